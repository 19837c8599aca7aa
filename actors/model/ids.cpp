#include "actors/model/ids.hpp"
