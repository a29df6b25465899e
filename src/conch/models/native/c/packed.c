/* Products with weights that stand in the order in which they are read: blocks of 16 outputs, and in
 * each block the 16 weights of one input after those of another.
 *
 * Each number is one sum, from the first input to the last, however many rows there are: a row gets
 * the same bits alone and among others.
 */
#include <stdint.h>

typedef int64_t i64;
typedef float lanes __attribute__((vector_size(32), aligned(4)));

#define BLOCK 16
#define ROWS 6

/* A few rows times one block; `ahead` is where what will be read next lies. */
static inline __attribute__((always_inline)) void tile(const float *restrict x, const float *restrict w,
                                                       float *restrict y, i64 in, i64 out,
                                                       const float *ahead, const int rows) {
    lanes sum[ROWS][2];
    for (int m = 0; m < rows; m++) sum[m][0] = sum[m][1] = (lanes){0};
    for (i64 k = 0; k < in; k++) {
        lanes low = *(const lanes *)(w + k * BLOCK), high = *(const lanes *)(w + k * BLOCK + 8);
        if (ahead) __builtin_prefetch(ahead + k * BLOCK);
        for (int m = 0; m < rows; m++) {
            float one = x[m * in + k];
            sum[m][0] += one * low;
            sum[m][1] += one * high;
        }
    }
    for (int m = 0; m < rows; m++) {
        *(lanes *)(y + m * out) = sum[m][0];
        *(lanes *)(y + m * out + 8) = sum[m][1];
    }
}

/* y [rows, out] = x [rows, in] W^T, for W packed as [out / 16, in, 16]. */
void packed_product(const float *x, const float *w, float *y, i64 rows, i64 in, i64 out) {
#pragma omp parallel for schedule(static)
    for (i64 b = 0; b < out / BLOCK; b++) {
        const float *block = w + b * in * BLOCK;
        for (i64 row = 0, now; row < rows; row += now) {
            i64 left = rows - row;
            now = left == 8 ? 4 : left < ROWS ? left : ROWS; /* 4 and 4 are faster than 6 and 2 */
            const float *xs = x + row * in, *ahead = row || rows == 1 ? 0 : block + in * BLOCK;
            float *ys = y + row * out + b * BLOCK;
            switch (now) {
                case 6: tile(xs, block, ys, in, out, ahead, 6); break;
                case 5: tile(xs, block, ys, in, out, ahead, 5); break;
                case 4: tile(xs, block, ys, in, out, ahead, 4); break;
                case 3: tile(xs, block, ys, in, out, ahead, 3); break;
                case 2: tile(xs, block, ys, in, out, ahead, 2); break;
                default: tile(xs, block, ys, in, out, ahead, 1);
            }
        }
    }
}
