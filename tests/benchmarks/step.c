/* One training step of an MLP with two hidden layers of ReLUs, in simple C: the yardstick of test_lift.py.
 *
 * The compiler's -D options give the batch N, the widths D0 to D3, the rates LR and L2, and HINGE where the loss is
 * not softmax with NLL. Activations are (unit, sample): the innermost loops run over samples, which gcc vectorises.
 * It may not regroup a sum of IEEE numbers, so that sums are written as eight side by side. */
#include <math.h>

#define LANES 8
typedef double Half __attribute__((vector_size(32)));
typedef double Lanes __attribute__((vector_size(64), aligned(8))); /* may start at any double */

static inline double across(Lanes v) {
  Half sums = __builtin_shufflevector(v, v, 0, 1, 2, 3) + __builtin_shufflevector(v, v, 4, 5, 6, 7);
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

static inline double sum(int n, double a[n]) {
  Lanes sums = {0};
  int k = 0;
  for (; k + LANES <= n; k += LANES) sums += *(Lanes *)&a[k];
  double total = across(sums);
  for (; k < n; k++) total += a[k];
  return total;
}

static inline double dot(int n, double a[n], double b[n]) {
  Lanes sums = {0};
  int k = 0;
  for (; k + LANES <= n; k += LANES) sums += *(Lanes *)&a[k] * *(Lanes *)&b[k];
  double total = across(sums);
  for (; k < n; k++) total += a[k] * b[k];
  return total;
}

double X[N][D0], Y[N][D3]; /* one sample a row, as everybody gets them */
double W1[D1][D0], b1[D1], W2[D2][D1], b2[D2], W3[D3][D2], b3[D3];

static double H0[D0][N], H1[D1][N], H2[D2][N], Z[D3][N];
static double dZ1[D1][N], dZ2[D2][N], dZ3[D3][N], losses[N];
static double dW1[D1][D0], db1[D1], dW2[D2][D1], db2[D2], dW3[D3][D2], db3[D3];

static void affine(int outs, int ins, double W[outs][ins], double b[outs], double H[ins][N], double Z[outs][N]) {
  for (int i = 0; i < outs; i++) {
    for (int s = 0; s < N; s++) Z[i][s] = b[i];
    for (int j = 0; j < ins; j++)
      for (int s = 0; s < N; s++) Z[i][s] += W[i][j] * H[j][s];
  }
}

static void relu(int units, double H[units][N]) {
  for (int i = 0; i < units; i++)
    for (int s = 0; s < N; s++) H[i][s] = H[i][s] > 0 ? H[i][s] : 0;
}

static void weight_gradients(int outs, int ins, double dZ[outs][N], double H[ins][N], double dW[outs][ins],
                             double db[outs]) {
  for (int i = 0; i < outs; i++) {
    db[i] = sum(N, dZ[i]);
    for (int j = 0; j < ins; j++) dW[i][j] = dot(N, dZ[i], H[j]);
  }
}

static void through_relu(int outs, int ins, double W[outs][ins], double dZ[outs][N], double H[ins][N],
                         double dH[ins][N]) {
  for (int j = 0; j < ins; j++) {
    for (int s = 0; s < N; s++) dH[j][s] = 0;
    for (int i = 0; i < outs; i++)
      for (int s = 0; s < N; s++) dH[j][s] += W[i][j] * dZ[i][s];
    for (int s = 0; s < N; s++) dH[j][s] = H[j][s] > 0 ? dH[j][s] : 0;
  }
}

/* Both losses are means over the batch, and leave dloss/dZ in dZ3. */
#ifdef HINGE
static double loss(void) {
  for (int s = 0; s < N; s++) {
    double slack = 1 - Y[s][0] * Z[0][s];
    losses[s] = slack > 0 ? slack : 0;
    dZ3[0][s] = slack > 0 ? -Y[s][0] / N : 0;
  }
  return sum(N, losses) / N;
}
#else
static double loss(void) {
  for (int s = 0; s < N; s++) {
    double top = Z[0][s], total = 0, score = 0, e[D3];
    for (int k = 1; k < D3; k++) top = Z[k][s] > top ? Z[k][s] : top;
    for (int k = 0; k < D3; k++) total += e[k] = exp(Z[k][s] - top);
    for (int k = 0; k < D3; k++) score += Y[s][k] * (Z[k][s] - top);
    for (int k = 0; k < D3; k++) dZ3[k][s] = (e[k] / total - Y[s][k]) / N;
    losses[s] = log(total) - score;
  }
  return sum(N, losses) / N;
}
#endif

/* Update a parameter, and return its share of the penalty before that. */
static double update(int n, double p[n], double dp[n]) {
  double penalty = L2 * dot(n, p, p);
  for (int k = 0; k < n; k++) p[k] -= LR * (dp[k] + 2 * L2 * p[k]);
  return penalty;
}

double step(void) {
  for (int s = 0; s < N; s++)
    for (int j = 0; j < D0; j++) H0[j][s] = X[s][j];
  affine(D1, D0, W1, b1, H0, H1);
  relu(D1, H1);
  affine(D2, D1, W2, b2, H1, H2);
  relu(D2, H2);
  affine(D3, D2, W3, b3, H2, Z);
  double total = loss();
  weight_gradients(D3, D2, dZ3, H2, dW3, db3);
  through_relu(D3, D2, W3, dZ3, H2, dZ2);
  weight_gradients(D2, D1, dZ2, H1, dW2, db2);
  through_relu(D2, D1, W2, dZ2, H1, dZ1);
  weight_gradients(D1, D0, dZ1, H0, dW1, db1);
  total += update(D1 * D0, *W1, *dW1) + update(D1, b1, db1);
  total += update(D2 * D1, *W2, *dW2) + update(D2, b2, db2);
  total += update(D3 * D2, *W3, *dW3) + update(D3, b3, db3);
  return total;
}
