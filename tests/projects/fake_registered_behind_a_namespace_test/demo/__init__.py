from demo import fakes
