// The id-addressed variants of the C++ reference book behind a C interface, so that one process
// can time them in turn with the compiled book. Compiled by bench_book.py against refbook.hpp.
#include <cstddef>
#include <sys/mman.h>
#include <utility>
#include <vector>

// its books never unmap what they map, so the mappings of a run are noted and undone after it
static std::vector<std::pair<void*, size_t>> mappings;
static void* noted_mmap(void* at, size_t bytes, int protection, int flags, int file, off_t offset) {
  void* block = mmap(at, bytes, protection, flags, file, offset);
  mappings.push_back({block, bytes});
  return block;
}
static int noted_munmap(void*, size_t) { return 0; }
#define mmap noted_mmap
#define munmap noted_munmap
#include "refbook.hpp"
#undef mmap
#undef munmap
#include <chrono>
#include <cstdio>
#include <iterator>
#include <memory>

static std::vector<Msg> messages;
static std::vector<Trade> trades;
static std::vector<uint32_t> filled;
static size_t ids, trade_count;

template <class B> static double run_once() {
  B* book = new B(1u << 17, ids + 16, ids + 16, trades.data());
  auto begin = std::chrono::steady_clock::now();
  book->run(messages.data(), messages.size(), filled.data());
  auto end = std::chrono::steady_clock::now();
  trade_count = book->nt;
  delete book;
  for (auto& mapping : mappings) munmap(mapping.first, mapping.second);
  mappings.clear();
  return std::chrono::duration<double, std::nano>(end - begin).count() / messages.size();
}

struct Variant { const char* name; double (*run)(); };
static const Variant variants[] = {
  {"B32 dense", run_once<Book32<DenseIds, 0>>},
  {"B32 dense pf", run_once<Book32<DenseIds, 2>>},
  {"B16 dense", run_once<Book16<DenseIds, 0>>},
  {"B32S dense", run_once<Book32S<DenseIds, 0>>},
  {"B32S dense pf", run_once<Book32S<DenseIds, 2>>},
  {"B32T dense", run_once<Book32T<DenseIds, 0>>},
  {"B32T dense pf", run_once<Book32T<DenseIds, 2>>},
  {"B32S hash8", run_once<Book32S<Hash8, 0>>},
  {"B32S hash8 pf", run_once<Book32S<Hash8, 2>>},
};

extern "C" {
// rows of kind, side, id, price, size
void reference_load(const int64_t* rows, size_t count) {
  messages.resize(count);
  ids = 0;
  for (size_t i = 0; i < count; i++) {
    const int64_t* row = rows + 5 * i;
    messages[i] = {(uint64_t)row[2], (uint32_t)row[3], (uint32_t)row[4], (uint8_t)row[0],
                   (uint8_t)row[1], {}};
    ids += row[0] != 1;
  }
  trades.assign(2 * count, Trade{});
  filled.assign(count, 0);
}
int reference_variants() { return (int)std::size(variants); }
const char* reference_name(int at) { return variants[at].name; }
double reference_run(int at) { return variants[at].run(); }
uint64_t reference_hash() {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (size_t i = 0; i < trade_count; i++)
    for (uint64_t value : {trades[i].maker, trades[i].taker, (uint64_t)trades[i].price,
                           (uint64_t)trades[i].qty})
      hash = (hash ^ value) * 0x100000001B3ull;
  return hash;
}
}
