/* Causal attention over packed rows: each segment sees itself only. fp32.
 *
 * A segment and a head of keys are one task of one thread, with all queries that share the head. Queries
 * go in blocks; the scores of a block exist at a time, never those of the segment (Dao et al. 2022,
 * arXiv:2205.14135; keys are not cut into blocks, since a block's scores fit into the cache).
 * All products are made of tiles of 8 x 32 that live in registers. Copies are padded to whole tiles.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "exp.h"

typedef int64_t i64;
typedef float vec __attribute__((vector_size(64), aligned(4)));

enum { ROWS = 8, WIDE = 32, BLOCK = 32 };

int omp_get_thread_num(void);

static i64 padded(i64 n) { return (n + WIDE - 1) / WIDE * WIDE; }

/* c [8, 32] = (or +=) a [8, depth] b [depth, 32]; an element of a is at row * ar + column * ac. */
static inline void tile(const float *a, i64 ar, i64 ac, const float *b, i64 ldb, float *c, i64 ldc,
                        i64 depth, int add) {
    vec sum[ROWS][2];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        sum[r][0] = add ? *(vec *)(c + r * ldc) : (vec){0};
        sum[r][1] = add ? *(vec *)(c + r * ldc + 16) : (vec){0};
    }
    for (i64 k = 0; k < depth; k++) {
        vec b0 = *(const vec *)(b + k * ldb), b1 = *(const vec *)(b + k * ldb + 16);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            sum[r][0] += a[r * ar + k * ac] * b0;
            sum[r][1] += a[r * ar + k * ac] * b1;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
        *(vec *)(c + r * ldc) = sum[r][0];
        *(vec *)(c + r * ldc + 16) = sum[r][1];
    }
}

/* The same for c [rows, columns] of whole tiles. */
static void product(const float *a, i64 ar, i64 ac, const float *b, i64 ldb, float *c, i64 ldc, i64 rows,
                    i64 columns, i64 depth, int add) {
    for (i64 j = 0; j < columns; j += WIDE)
        for (i64 i = 0; i < rows; i += ROWS)
            tile(a + i * ar, ar, ac, b + j, ldb, c + i * ldc + j, ldc, depth, add);
}

/* `rows` rows of one head, `stride` floats apart, into [to, wide] filled up with zeros. */
static void gather(const float *from, i64 stride, float *into, i64 rows, i64 to, i64 dim, i64 wide) {
    for (i64 t = 0; t < to; t++) {
        float *row = into + t * wide;
        i64 kept = t < rows ? dim : 0;
        if (kept) memcpy(row, from + t * stride, dim * sizeof(float));
        memset(row + kept, 0, (wide - kept) * sizeof(float));
    }
}

static void scatter(const float *from, float *into, i64 stride, i64 rows, i64 dim, i64 wide) {
    for (i64 t = 0; t < rows; t++) memcpy(into + t * stride, from + t * wide, dim * sizeof(float));
}

static void transpose(const float *from, float *into, i64 rows, i64 wide) {
    for (i64 b = 0; b < rows; b += 16)
        for (i64 d = 0; d < wide; d++)
            for (i64 t = b; t < b + 16; t++) into[d * rows + t] = from[t * wide + d];
}

/* Keys that the queries from `first` on in a block may see: a range of whole tiles. */
static i64 earliest(i64 first, i64 window) {
    i64 low = window && first >= window ? first - window + 1 : 0;
    return low / WIDE * WIDE;
}

/* Sets what the query must not see in row[low .. high) to `value`. */
static inline void hide(float *row, i64 low, i64 high, i64 query, i64 window, float value) {
    for (i64 j = low; j <= query - window && window; j++) row[j] = value;
    for (i64 j = query + 1; j < high; j++) row[j] = value;
}

/* A row of scores into probabilities that are not yet divided by their sum, which is returned. Goes over
 * whole tiles, hidden places too, for the sake of vectors. */
static inline float exponentials(float *row, i64 low, i64 high, i64 query, i64 window, float scale,
                                 float *largest) {
    float top = -INFINITY, sum = 0;
    hide(row, low, high, query, window, -1e30f);
#pragma omp simd reduction(max : top)
    for (i64 j = low; j < high; j++) top = row[j] > top ? row[j] : top;
#pragma omp simd reduction(+ : sum)
    for (i64 j = low; j < high; j++) sum += row[j] = exp_fast((row[j] - top) * scale);
    hide(row, low, high, query, window, 0);
    *largest = top * scale;
    return sum;
}

/* Floats that one thread needs for segments of up to `longest` tokens. */
i64 attention_workspace(i64 longest, i64 dim) {
    i64 n = padded(longest), wide = padded(dim);
    return 6 * n * wide + 2 * BLOCK * n + 4 * BLOCK * wide;
}

/* out [T, heads, dim] and the logarithm of each row's sum [T, heads]; bounds [segments + 1]. */
void attention_forward(const float *q, const float *k, const float *v, float *out, float *log_sum,
                       const i64 *bounds, i64 segments, i64 heads, i64 key_heads, i64 dim, i64 window,
                       float scale, float *work, i64 size) {
    i64 wide = padded(dim), group = heads / key_heads;
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (i64 s = 0; s < segments; s++)
        for (i64 h = 0; h < key_heads; h++) {
            i64 begin = bounds[s], length = bounds[s + 1] - begin, n = padded(length);
            float *keys = work + omp_get_thread_num() * size, *turned = keys + n * wide;
            float *values = turned + n * wide, *scores = values + n * wide, *block = scores + BLOCK * n;
            float *result = block + BLOCK * wide;
            gather(k + (begin * key_heads + h) * dim, key_heads * dim, keys, length, n, dim, wide);
            gather(v + (begin * key_heads + h) * dim, key_heads * dim, values, length, n, dim, wide);
            transpose(keys, turned, n, wide);
            for (i64 i = 0; i < length; i += BLOCK) {
                i64 rows = length - i < BLOCK ? length - i : BLOCK, low = earliest(i, window), high = i + BLOCK;
                for (i64 g = h * group; g < (h + 1) * group; g++) {
                    i64 at = (begin + i) * heads + g;
                    gather(q + at * dim, heads * dim, block, rows, BLOCK, dim, wide);
                    product(block, wide, 1, turned + low, n, scores + low, n, BLOCK, high - low, wide, 0);
                    float sums[BLOCK];
                    for (i64 r = 0; r < rows; r++) {
                        float largest;
                        sums[r] = exponentials(scores + r * n, low, high, i + r, window, scale, &largest);
                        log_sum[at + r * heads] = largest + logf(sums[r]);
                    }
                    product(scores + low, n, 1, values + low * wide, wide, result, wide, BLOCK, wide, high - low, 0);
                    for (i64 r = 0; r < rows; r++)
                        for (i64 d = 0; d < dim; d++)
                            out[(at + r * heads) * dim + d] = result[r * wide + d] / sums[r];
                }
            }
        }
}

/* dq, dk and dv; scores are computed once more from what attention_forward left. */
void attention_backward(const float *q, const float *k, const float *v, const float *out, const float *log_sum,
                        const float *dout, float *dq, float *dk, float *dv, const i64 *bounds, i64 segments,
                        i64 heads, i64 key_heads, i64 dim, i64 window, float scale, float *work, i64 size) {
    i64 wide = padded(dim), group = heads / key_heads;
#pragma omp parallel for collapse(2) schedule(dynamic)
    for (i64 s = 0; s < segments; s++)
        for (i64 h = 0; h < key_heads; h++) {
            i64 begin = bounds[s], length = bounds[s + 1] - begin, n = padded(length), all = n * wide;
            float *keys = work + omp_get_thread_num() * size, *keys_turned = keys + all;
            float *values_turned = keys_turned + all, *dkeys = values_turned + all, *dvalues = dkeys + all;
            float *p = dvalues + all, *ds = p + BLOCK * n, *block = ds + BLOCK * n;
            float *dblock = block + BLOCK * wide, *result = dblock + BLOCK * wide;
            gather(v + (begin * key_heads + h) * dim, key_heads * dim, keys, length, n, dim, wide);
            transpose(keys, values_turned, n, wide);
            gather(k + (begin * key_heads + h) * dim, key_heads * dim, keys, length, n, dim, wide);
            transpose(keys, keys_turned, n, wide);
            memset(dkeys, 0, 2 * all * sizeof(float));
            for (i64 i = 0; i < length; i += BLOCK) {
                i64 rows = length - i < BLOCK ? length - i : BLOCK, low = earliest(i, window), high = i + BLOCK;
                i64 seen = high - low;
                for (i64 g = h * group; g < (h + 1) * group; g++) {
                    i64 at = (begin + i) * heads + g;
                    gather(q + at * dim, heads * dim, block, rows, BLOCK, dim, wide);
                    gather(dout + at * dim, heads * dim, dblock, rows, BLOCK, dim, wide);
                    product(block, wide, 1, keys_turned + low, n, p + low, n, BLOCK, seen, wide, 0);
                    product(dblock, wide, 1, values_turned + low, n, ds + low, n, BLOCK, seen, wide, 0);
                    for (i64 r = 0; r < BLOCK; r++) {
                        float *pr = p + r * n, *dr = ds + r * n, delta = 0;
                        i64 query = r < rows ? i + r : low - 1; /* beyond the end nothing is seen */
                        float lost = r < rows ? log_sum[at + r * heads] : 0;
                        const float *o = out + (at + r * heads) * dim, *d = dblock + r * wide;
#pragma omp simd reduction(+ : delta)
                        for (i64 e = 0; e < (r < rows ? dim : 0); e++) delta += o[e] * d[e];
#pragma omp simd
                        for (i64 j = low; j < high; j++) {
                            pr[j] = exp_fast(pr[j] * scale - lost);
                            dr[j] = pr[j] * (dr[j] - delta) * scale;
                        }
                        hide(pr, low, high, query, window, 0);
                        hide(dr, low, high, query, window, 0);
                    }
                    product(ds + low, n, 1, keys + low * wide, wide, result, wide, BLOCK, wide, seen, 0);
                    scatter(result, dq + at * dim, heads * dim, rows, dim, wide);
                    product(ds + low, 1, n, block, wide, dkeys + low * wide, wide, seen, wide, BLOCK, 1);
                    product(p + low, 1, n, dblock, wide, dvalues + low * wide, wide, seen, wide, BLOCK, 1);
                }
            }
            scatter(dkeys, dk + (begin * key_heads + h) * dim, key_heads * dim, length, dim, wide);
            scatter(dvalues, dv + (begin * key_heads + h) * dim, key_heads * dim, length, dim, wide);
        }
}
