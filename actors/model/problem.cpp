#include "actors/model/problem.hpp"
