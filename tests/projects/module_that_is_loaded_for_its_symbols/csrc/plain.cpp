extern "C" int plain_sum(int left, int right) {
  return left + right;
}
