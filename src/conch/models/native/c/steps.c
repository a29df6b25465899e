/* Element-wise steps of a transformer, each as one pass over memory.
 *
 * All tensors are fp32 and contiguous; `rows` are the tokens. Nothing here allocates, fails or
 * keeps state. The package around this folder builds it with the system's C compiler; its callers hold
 * the same computations in torch for everything else.
 */
#include <math.h>
#include <stdint.h>

#include "exp.h"

typedef int64_t i64;

#define PARALLEL _Pragma("omp parallel for schedule(static)")

/* y = x / rms(x) * (w + offset). Zhang and Sennrich 2019. */
void rms_norm_forward(const float *x, const float *w, float *y, float *rstd, i64 rows, i64 dim,
                      float eps, float offset) {
    PARALLEL for (i64 t = 0; t < rows; t++) {
        const float *in = x + t * dim;
        float *out = y + t * dim, sum = 0;
#pragma omp simd reduction(+ : sum)
        for (i64 i = 0; i < dim; i++) sum += in[i] * in[i];
        float r = 1.0f / sqrtf(sum / dim + eps);
        rstd[t] = r;
#pragma omp simd
        for (i64 i = 0; i < dim; i++) out[i] = in[i] * r * (w[i] + offset);
    }
}

/* dx for frozen weights; `dx` may be `dy`. */
void rms_norm_backward(const float *dy, const float *x, const float *w, const float *rstd, float *dx,
                       i64 rows, i64 dim, float offset) {
    PARALLEL for (i64 t = 0; t < rows; t++) {
        const float *g = dy + t * dim, *in = x + t * dim;
        float *out = dx + t * dim, dot = 0, r = rstd[t];
#pragma omp simd reduction(+ : dot)
        for (i64 i = 0; i < dim; i++) dot += g[i] * (w[i] + offset) * in[i];
        float pull = dot * r * r * r / dim;
#pragma omp simd
        for (i64 i = 0; i < dim; i++) out[i] = g[i] * (w[i] + offset) * r - in[i] * pull;
    }
}

/* out = silu(gate) * up. Shazeer 2020. */
void swiglu_forward(const float *gate, const float *up, float *out, i64 rows, i64 dim) {
    PARALLEL for (i64 t = 0; t < rows; t++) {
        const float *g = gate + t * dim, *u = up + t * dim;
        float *o = out + t * dim;
#pragma omp simd
        for (i64 i = 0; i < dim; i++) o[i] = g[i] / (1.0f + exp_fast(-g[i])) * u[i];
    }
}

/* d(gate) and d(up) from d(out); nothing but gate and up was kept. */
void swiglu_backward(const float *dout, const float *gate, const float *up, float *dgate, float *dup,
                     i64 rows, i64 dim) {
    PARALLEL for (i64 t = 0; t < rows; t++) {
        const float *d = dout + t * dim, *g = gate + t * dim, *u = up + t * dim;
        float *dg = dgate + t * dim, *du = dup + t * dim;
#pragma omp simd
        for (i64 i = 0; i < dim; i++) {
            float s = 1.0f / (1.0f + exp_fast(-g[i])), grad = d[i];
            du[i] = grad * g[i] * s;
            dg[i] = grad * u[i] * s * (1.0f + g[i] * (1.0f - s));
        }
    }
}

/* Rotary positions (Su et al. 2021) of x [rows, heads, dim]; cos and sin [rows, dim], their halves
 * alike. `sign` -1 turns back, which is the gradient. */
void rotary(const float *x, const float *cosine, const float *sine, float *y, i64 rows, i64 heads,
            i64 dim, float sign) {
    i64 half = dim / 2;
    PARALLEL for (i64 t = 0; t < rows; t++) {
        const float *c = cosine + t * dim, *s = sine + t * dim;
        for (i64 h = 0; h < heads; h++) {
            const float *in = x + (t * heads + h) * dim;
            float *out = y + (t * heads + h) * dim;
#pragma omp simd
            for (i64 i = 0; i < half; i++) {
                float a = in[i], b = in[i + half];
                out[i] = a * c[i] - sign * b * s[i];
                out[i + half] = b * c[i] + sign * a * s[i];
            }
        }
    }
}

/* Cross entropy of each row of logits; where `grad` is not 0, the logits become d(nll)/d(logits). */
void cross_entropy(float *logits, const i64 *target, float *nll, i64 *hit, i64 rows, i64 vocabulary,
                   i64 grad) {
    PARALLEL for (i64 t = 0; t < rows; t++) {
        float *z = logits + t * vocabulary, top = -INFINITY, sum = 0;
#pragma omp simd reduction(max : top)
        for (i64 i = 0; i < vocabulary; i++) top = z[i] > top ? z[i] : top;
        float wanted = z[target[t]];
        hit[t] = wanted >= top;
        if (grad) {
#pragma omp simd reduction(+ : sum)
            for (i64 i = 0; i < vocabulary; i++) sum += z[i] = exp_fast(z[i] - top);
            float scale = 1.0f / sum;
#pragma omp simd
            for (i64 i = 0; i < vocabulary; i++) z[i] *= scale;
            z[target[t]] -= 1.0f;
        } else {
#pragma omp simd reduction(+ : sum)
            for (i64 i = 0; i < vocabulary; i++) sum += exp_fast(z[i] - top);
        }
        nll[t] = logf(sum) + top - wanted;
    }
}
