import demo.backend
