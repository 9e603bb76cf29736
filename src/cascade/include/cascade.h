/* Records of the arrays that cascade takes and returns, for C and C++ code that fills or reads
 * them. They are little-endian and have the layout of the NumPy types named beside them; the
 * numbers in `kind`, `side`, `flags` and `code` are those of cascade.codes. */
#ifndef CASCADE_H
#define CASCADE_H

#include <stdint.h>

#define CASCADE_MAX_PRICE_TICKS INT32_C(2147483646)
#define CASCADE_MAX_SIZE_LOTS (INT64_C(1) << 48)
#define CASCADE_NO_ACCOUNT (-1)

/* cascade.MESSAGE_DTYPE: one order message of OrderBook.apply. */
typedef struct cascade_message {
    uint8_t kind;
    uint8_t side;
    uint8_t time_in_force; /* low 4 bits; high 4 bits: self-trade prevention */
    uint8_t flags;
    int32_t account;
    int32_t price; /* ticks */
    int32_t extra; /* trigger of a stop in ticks, or displayed lots of an iceberg */
    int64_t size;  /* lots */
    int64_t order; /* id that a cancel or modify means */
} cascade_message;

/* cascade.FILL_DTYPE: one trade. */
typedef struct cascade_fill {
    int64_t maker; /* order ids */
    int64_t taker;
    int64_t size;  /* lots */
    int32_t price; /* ticks */
    int32_t maker_account;
    int32_t taker_account;
    uint32_t message; /* index within the batch */
    uint8_t side;     /* of the taker */
    uint8_t maker_flags;
    uint8_t pad[6]; /* says nothing */
} cascade_fill;

/* cascade.ORDER_DTYPE: one resting order or waiting stop. */
typedef struct cascade_order {
    int64_t id;
    int64_t size; /* displayed lots; all of a waiting stop's */
    int64_t hidden;
    int64_t display; /* lots shown at each refresh of an iceberg */
    int32_t price;   /* ticks */
    int32_t account;
    int32_t trigger; /* ticks, of a waiting stop */
    uint8_t side;
    uint8_t flags;
    uint8_t waiting; /* 1: a stop that waits */
    uint8_t self_trade;
} cascade_order;

/* cascade.EVENT_DTYPE: one event of the log, docs/log.md. */
typedef struct cascade_event {
    int64_t time; /* ns */
    int64_t order;
    int64_t quantity; /* lots */
    int64_t money;    /* atoms */
    int64_t cause;    /* index of an event since the engine began, -1: outside */
    int32_t price;    /* ticks */
    int32_t account;
    int32_t counterparty; /* -1 outside, -2 house */
    int32_t wave;
    uint16_t market; /* 65535: none */
    uint8_t kind;    /* cascade.EventKind */
    uint8_t side;
    int32_t code;
} cascade_event;

#endif
