"""Parameters of venues and protocols as data, one file each: names, numbers and their source, no code.

The presets of `cascade.rules` read them; they are here so that ``cascade.rules.NAME`` is one thing, the preset.
"""
