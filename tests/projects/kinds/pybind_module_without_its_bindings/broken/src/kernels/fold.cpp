int fold(int input) { return input; }
