import demo._C
from demo.first import normalize
