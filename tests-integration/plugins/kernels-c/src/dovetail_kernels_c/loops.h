/* Every kernel, written once for a TYPE; float32.c and float64.c include it.

   Arrays are contiguous and aligned. Loops over LANES are what compilers make SIMD code of without
   being allowed to reorder sums by themselves; what is left over at the end goes element by element. */

#include <math.h>
#include <stddef.h>
#include <string.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif

#define LANES 8
#define PAIRWISE_ABOVE 256

/* NaN, which is not less than 0, stays NaN. */
EXPORT void NAME(relu)(size_t count, const TYPE *__restrict x, TYPE *__restrict result)
{
    for (size_t i = 0; i < count; i++)
        result[i] = x[i] < 0 ? 0 : x[i];
}

/* The sum, pairwise: its rounding error grows with the logarithm of count (Higham 2002, Accuracy
   and Stability of Numerical Algorithms, section 4.2). */
static TYPE total(size_t count, const TYPE *x)
{
    if (count > PAIRWISE_ABOVE) {
        size_t half = count / 2 / LANES * LANES;
        return total(half, x) + total(count - half, x + half);
    }
    TYPE sums[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += x[i + lane];
    TYPE sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    for (; i < count; i++)
        sum += x[i];
    return sum;
}

EXPORT void NAME(sum)(size_t rows, size_t size, const TYPE *__restrict x, TYPE *__restrict result)
{
    for (size_t row = 0; row < rows; row++)
        result[row] = total(size, x + row * size);
}

/* The largest element, NaN passed over; minus infinity where there is none. */
static TYPE largest(size_t count, const TYPE *x)
{
    TYPE found[LANES];
    for (size_t lane = 0; lane < LANES; lane++)
        found[lane] = -(TYPE)INFINITY;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++)
            found[lane] = x[i + lane] > found[lane] ? x[i + lane] : found[lane];
    TYPE most = found[0];
    for (size_t lane = 1; lane < LANES; lane++)
        most = found[lane] > most ? found[lane] : most;
    for (; i < count; i++)
        most = x[i] > most ? x[i] : most;
    return most;
}

/* eˣ for x ≤ 0 or NaN; 0 where it would be subnormal. With x = n · ln 2 + r, |r| ≤ ln 2 / 2, it is
   2ⁿ times the Taylor polynomial of eʳ. Adding ROUNDER leaves n in the lowest bits of the sum, from
   which they are shifted into the exponent. The last term left out is below half a unit: rⁿ⁺¹ / (n+1)!
   is 5·10⁻⁹ for degree 7 and 4·10⁻¹⁸ for degree 13. */
static inline TYPE exponential(TYPE x)
{
    TYPE rounded = x * (TYPE)1.4426950408889634 + ROUNDER;
    TYPE n = rounded - ROUNDER;
    TYPE r = (x - n * LN2_HIGH) - n * LN2_LOW;
    TYPE power = 1, scale;
    BITS bits;
#define TERM(k) power = 1 + r * ((TYPE)1 / k) * power;
#ifdef IS_DOUBLE
    TERM(13) TERM(12) TERM(11) TERM(10) TERM(9) TERM(8)
#endif
    TERM(7) TERM(6) TERM(5) TERM(4) TERM(3) TERM(2) TERM(1)
#undef TERM
    memcpy(&bits, &rounded, sizeof bits);
    bits = (bits << FRACTION_BITS) + ONE_BITS;
    memcpy(&scale, &bits, sizeof scale);
    return x < SMALLEST_EXPONENT ? 0 : power * scale;
}

EXPORT void NAME(softmax)(size_t rows, size_t size, const TYPE *__restrict x, TYPE *__restrict result)
{
    for (size_t row = 0; row < rows; row++, x += size, result += size) {
        TYPE most = largest(size, x);
        for (size_t i = 0; i < size; i++)
            result[i] = exponential(x[i] - most);
        TYPE sum = total(size, result);
        for (size_t i = 0; i < size; i++)
            result[i] /= sum;
    }
}

/* scale and offset have the size of a row; NULL for ones and zeros. */
EXPORT void NAME(layer_normalization)(size_t rows, size_t size, double epsilon, const TYPE *__restrict x,
                                      const TYPE *__restrict scale, const TYPE *__restrict offset,
                                      TYPE *__restrict result)
{
    for (size_t row = 0; row < rows; row++, x += size, result += size) {
        TYPE mean = total(size, x) / (TYPE)size;
        for (size_t i = 0; i < size; i++)
            result[i] = (x[i] - mean) * (x[i] - mean);
        TYPE factor = 1 / SQUARE_ROOT(total(size, result) / (TYPE)size + (TYPE)epsilon);
        for (size_t i = 0; i < size; i++)
            result[i] = (x[i] - mean) * factor;
        for (size_t i = 0; scale && i < size; i++)
            result[i] *= scale[i];
        for (size_t i = 0; offset && i < size; i++)
            result[i] += offset[i];
    }
}
