/*
 * http/date.c - see rota_http/date.h.
 *
 * Days are counted from 1970-01-01 in the Gregorian calendar, with years that
 * begin in March, so that the leap day is the last day of a year. A cycle of
 * 400 years has 146097 days.
 */
#include "rota_http/date.h"

#include <string.h>

#include "http/text.h"
#include "rota/error.h"

enum {
	CYCLE_DAYS = 146097,
	CYCLE_YEARS = 400,
	EPOCH_DAYS = 719468, /* from the 1st of March of the year 0 to 1970 */
	DAY_SECONDS = 86400,
	LAST_YEAR = 9999,
};

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char *const day_names[] = { "Sunday",    "Monday",   "Tuesday",
					 "Wednesday", "Thursday", "Friday",
					 "Saturday" };

struct date {
	int year, month, day; /* month and day from 1 on */
	int hour, minute, second;
};

/* What is left of the text. */
struct date_text {
	const char *at;
	const char *end;
};

static int64_t days_of(const struct date *date)
{
	int64_t year = date->year - (date->month <= 2);
	int64_t cycle =
		(year >= 0 ? year : year - (CYCLE_YEARS - 1)) / CYCLE_YEARS;
	int64_t of_cycle = year - cycle * CYCLE_YEARS;
	int64_t month = date->month + (date->month > 2 ? -3 : 9);
	int64_t of_year = (153 * month + 2) / 5 + date->day - 1;

	return cycle * CYCLE_DAYS + of_cycle * 365 + of_cycle / 4 -
	       of_cycle / 100 + of_year - EPOCH_DAYS;
}

static void set_days(struct date *date, int64_t days)
{
	int64_t shifted = days + EPOCH_DAYS;
	int64_t cycle = (shifted >= 0 ? shifted : shifted - (CYCLE_DAYS - 1)) /
			CYCLE_DAYS;
	int64_t of_cycle = shifted - cycle * CYCLE_DAYS;
	int64_t year = (of_cycle - of_cycle / 1460 + of_cycle / 36524 -
			of_cycle / 146096) /
		       365;
	int64_t of_year = of_cycle - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	date->day = (int)(of_year - (153 * month + 2) / 5 + 1);
	date->month = (int)(month + (month < 10 ? 3 : -9));
	date->year = (int)(year + cycle * CYCLE_YEARS + (date->month <= 2));
}

static int read_digits(struct date_text *text, int count, int *value)
{
	*value = 0;
	for (int i = 0; i < count; i++) {
		if (text->at == text->end ||
		    !rotai_http_is(*text->at, ROTAI_HTTP_DIGIT))
			return 0;
		*value = 10 * *value + (*text->at++ - '0');
	}
	return 1;
}

/* Read these bytes. */
static int read_exactly(struct date_text *text, const char *bytes)
{
	size_t size = strlen(bytes);

	if ((size_t)(text->end - text->at) < size ||
	    memcmp(text->at, bytes, size) != 0)
		return 0;
	text->at += size;
	return 1;
}

static int read_month(struct date_text *text, int *month)
{
	for (int i = 0; i < 12; i++)
		if (text->end - text->at >= 3 &&
		    memcmp(text->at, month_names + 3 * i, 3) == 0) {
			text->at += 3;
			*month = i + 1;
			return 1;
		}
	return 0;
}

static int read_time(struct date_text *text, struct date *date)
{
	return read_digits(text, 2, &date->hour) && read_exactly(text, ":") &&
	       read_digits(text, 2, &date->minute) && read_exactly(text, ":") &&
	       read_digits(text, 2, &date->second);
}

/* "06 Nov 1994 08:49:37 GMT" */
static int read_imf(struct date_text *text, struct date *date)
{
	return read_digits(text, 2, &date->day) && read_exactly(text, " ") &&
	       read_month(text, &date->month) && read_exactly(text, " ") &&
	       read_digits(text, 4, &date->year) && read_exactly(text, " ") &&
	       read_time(text, date) && read_exactly(text, " GMT");
}

/* "06-Nov-94 08:49:37 GMT" */
static int read_rfc850(struct date_text *text, struct date *date,
		       int64_t now_seconds)
{
	struct date now;
	int year;

	if (!(read_digits(text, 2, &date->day) && read_exactly(text, "-") &&
	      read_month(text, &date->month) && read_exactly(text, "-") &&
	      read_digits(text, 2, &year) && read_exactly(text, " ") &&
	      read_time(text, date) && read_exactly(text, " GMT")))
		return 0;
	set_days(&now, now_seconds / DAY_SECONDS);
	year += now.year / 100 * 100;
	if (year > now.year + 50)
		year -= 100;
	else if (year <= now.year - 50)
		year += 100;
	date->year = year;
	return 1;
}

/* "Nov  6 08:49:37 1994" */
static int read_asctime(struct date_text *text, struct date *date)
{
	if (!read_month(text, &date->month) || !read_exactly(text, " "))
		return 0;
	return read_digits(text, read_exactly(text, " ") ? 1 : 2, &date->day) &&
	       read_exactly(text, " ") && read_time(text, date) &&
	       read_exactly(text, " ") && read_digits(text, 4, &date->year);
}

/* Read the day of the week, and by what follows it one of the forms. */
static int read_date(struct date_text *text, struct date *date,
		     int64_t now_seconds)
{
	for (int i = 0; i < 7; i++) {
		struct date_text rest = *text;
		char brief[4] = { 0 };

		memcpy(brief, day_names[i], 3);
		if (read_exactly(&rest, day_names[i])) {
			*text = rest;
			return read_exactly(text, ", ") &&
			       read_rfc850(text, date, now_seconds);
		}
		if (!read_exactly(&rest, brief))
			continue;
		*text = rest;
		if (read_exactly(text, ", "))
			return read_imf(text, date);
		return read_exactly(text, " ") && read_asctime(text, date);
	}
	return 0;
}

/* A leap second is the first second of the next minute. */
static int is_date(const struct date *date)
{
	struct date same;

	if (date->hour > 23 || date->minute > 59 || date->second > 60 ||
	    date->day < 1 || date->day > 31)
		return 0;
	set_days(&same, days_of(date));
	return same.day == date->day && same.month == date->month;
}

int rota_http_date_parse(int64_t *seconds, struct rota_const_buf text,
			 int64_t now_seconds)
{
	struct date_text rest = { text.data, text.data };
	struct date date;

	if (text.size == 0)
		return ROTA_EINVAL;
	rest.end += text.size;
	if (!read_date(&rest, &date, now_seconds) || rest.at < rest.end ||
	    !is_date(&date))
		return ROTA_EINVAL;
	*seconds = days_of(&date) * DAY_SECONDS + date.hour * 3600 +
		   date.minute * 60 + date.second;
	return 0;
}

static char *write_two(char *to, int value, char behind)
{
	*to++ = (char)('0' + value / 10);
	*to++ = (char)('0' + value % 10);
	*to++ = behind;
	return to;
}

void rota_http_date_write(char to[ROTA_HTTP_DATE_SIZE], int64_t seconds)
{
	const struct date first_date = { .year = 0, .month = 1, .day = 1 };
	const struct date end_date = { .year = LAST_YEAR + 1,
				       .month = 1,
				       .day = 1 };
	int64_t first = days_of(&first_date) * DAY_SECONDS;
	int64_t end = days_of(&end_date) * DAY_SECONDS;
	struct date date;
	int64_t days;
	int of_day, of_week;

	seconds = seconds < first ? first : seconds;
	seconds = seconds >= end ? end - 1 : seconds;
	days = (seconds - first) / DAY_SECONDS + first / DAY_SECONDS;
	of_day = (int)(seconds - days * DAY_SECONDS);
	of_week = (int)((days % 7 + 7 + 4) % 7); /* a Thursday is 0 */
	set_days(&date, days);

	memcpy(to, day_names[of_week], 3);
	memcpy(to + 3, ", ", 2);
	to = write_two(to + 5, date.day, ' ');
	memcpy(to, month_names + 3 * (date.month - 1), 3);
	to[3] = ' ';
	to = write_two(to + 4, date.year / 100, '0') - 1;
	to = write_two(to, date.year % 100, ' ');
	to = write_two(to, of_day / 3600, ':');
	to = write_two(to, of_day / 60 % 60, ':');
	to = write_two(to, of_day % 60, ' ');
	memcpy(to, "GMT", 3);
}
