"""Lending protocols' liquidation rules, exact."""
