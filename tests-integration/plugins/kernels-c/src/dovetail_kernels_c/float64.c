/* The kernels in float64. */

#include <stdint.h>

#define TYPE double
#define BITS uint64_t
#define NAME(kernel) kernel##_float64
#define SQUARE_ROOT sqrt
#define IS_DOUBLE

#define FRACTION_BITS 52
#define ONE_BITS 0x3ff0000000000000u
#define ROUNDER 6755399441055744.0 /* 1.5 · 2⁵² */
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define SMALLEST_EXPONENT (-708.3)

#include "loops.h"
