int compare(const void* first, const void* second) { return first < second; }
