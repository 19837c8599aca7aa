#include "storage/entry.hpp"
