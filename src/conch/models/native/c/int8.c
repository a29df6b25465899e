/* Products in int8: rows made whole numbers before, numbers again afterwards. The product itself is torch's. */
#include <math.h>
#include <stdint.h>

typedef int64_t i64;
typedef float vec __attribute__((vector_size(64), aligned(4)));
typedef int32_t ivec __attribute__((vector_size(64), aligned(4)));

enum { LANES = 16, ROWS = 4 };

/* Each row of x, times `column` where that is given, as int8 with one scale:
 * q = round(x / scale), scale = max|x| / 127. */
void quantise_rows(const float *x, const float *column, int8_t *q, float *scale, i64 rows, i64 dim) {
#pragma omp parallel for schedule(static)
    for (i64 t = 0; t < rows; t++) {
        const float *in = x + t * dim;
        int8_t *out = q + t * dim;
        float top = 0;
        if (column) {
#pragma omp simd reduction(max : top)
            for (i64 i = 0; i < dim; i++) {
                float size = fabsf(in[i] * column[i]);
                top = size > top ? size : top;
            }
        } else {
#pragma omp simd reduction(max : top)
            for (i64 i = 0; i < dim; i++) {
                float size = fabsf(in[i]);
                top = size > top ? size : top;
            }
        }
        float inverse = top > 0 ? 127.0f / top : 0.0f;
        scale[t] = top / 127.0f;
        if (column) {
#pragma omp simd
            for (i64 i = 0; i < dim; i++) out[i] = (int8_t)__builtin_rintf(in[i] * column[i] * inverse);
        } else {
#pragma omp simd
            for (i64 i = 0; i < dim; i++) out[i] = (int8_t)__builtin_rintf(in[i] * inverse);
        }
    }
}

/* One value of a row: see dequantise. */
static inline float one(const int32_t *products, float row, const float *column, const float *low,
                        const float *up, i64 rank, i64 dim, i64 i) {
    float sum = (float)products[i] * row * (column ? column[i] : 1.0f);
    for (i64 k = 0; k < rank; k++) sum += low[k] * up[k * dim + i];
    return sum;
}

/* y [rows, dim] = products * row scale * column scale (none where `column` is null) + low [rows, rank]
 * up [rank, dim]. */
void dequantise(const int32_t *products, const float *row, const float *column, const float *low,
                const float *up, i64 rank, float *y, i64 rows, i64 dim) {
    i64 whole = dim / LANES * LANES;
#pragma omp parallel for schedule(static)
    for (i64 t = 0; t < rows; t += ROWS) {
        i64 count = rows - t < ROWS ? rows - t : ROWS;
        if (count == ROWS) {
            for (i64 i = 0; i < whole; i += LANES) {
                vec scale = column ? *(const vec *)(column + i) : (vec){0} + 1.0f, sum[ROWS];
#pragma GCC unroll 4
                for (int r = 0; r < ROWS; r++)
                    sum[r] = __builtin_convertvector(*(const ivec *)(products + (t + r) * dim + i), vec) *
                             (scale * row[t + r]);
                for (i64 k = 0; k < rank; k++) {
                    vec b = *(const vec *)(up + k * dim + i);
#pragma GCC unroll 4
                    for (int r = 0; r < ROWS; r++) sum[r] += low[(t + r) * rank + k] * b;
                }
#pragma GCC unroll 4
                for (int r = 0; r < ROWS; r++) *(vec *)(y + (t + r) * dim + i) = sum[r];
            }
        }
        for (i64 r = 0; r < count; r++)
            for (i64 i = count == ROWS ? whole : 0; i < dim; i++)
                y[(t + r) * dim + i] = one(products + (t + r) * dim, row[t + r], column,
                                           low + (t + r) * rank, up, rank, dim, i);
    }
}
