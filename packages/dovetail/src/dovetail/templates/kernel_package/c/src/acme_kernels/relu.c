/* relu: maximum(x, 0), element by element. */

#include <stddef.h>

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT
#endif

/* Written so that NaN, which is not less than 0, stays NaN. Compilers make SIMD code of such a
   loop; `__restrict` tells them that the result overlaps nothing, as the protocol promises. */
#define RELU(NAME, TYPE)                                                               \
    EXPORT void NAME(size_t count, const TYPE *__restrict x, TYPE *__restrict result)  \
    {                                                                                  \
        for (size_t i = 0; i < count; i++)                                             \
            result[i] = x[i] < 0 ? 0 : x[i];                                           \
    }

RELU(relu_float32, float)
RELU(relu_float64, double)
