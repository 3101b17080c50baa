#pragma once

#include "console/alerts.h"

/* Tells a receiver by webhook or mail; blocks for 8 s at most. An alert_tell. */
alert_tell alert_tell_by_network;
