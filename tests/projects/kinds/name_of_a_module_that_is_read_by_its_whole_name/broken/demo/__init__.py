import demo._C
