/*
 * base/address_text.h - what name lookups need of addresses as text.
 */
#ifndef ROTAI_BASE_ADDRESS_TEXT_H
#define ROTAI_BASE_ADDRESS_TEXT_H

#include "rota/address.h"

/* Return whether the @size bytes at @label, a part of a host between two dots,
 * are a number: decimal, or 0x and hexadecimal. */
int rotai_label_is_number(const char *label, size_t size);

#endif
