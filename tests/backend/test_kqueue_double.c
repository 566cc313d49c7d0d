/* system: linux */
/* poller: none */
/*
 * The test double of kqueue(2): changes, and how events are reported. These are
 * the numbers 1 to 10 of the fifteen semantics that a backend relies on.
 * Descriptors (11, 12) are tested in test_kqueue_double_fd.c, waits (13, 15) in
 * _wait.c, and signals and processes (14, 15) in _process.c.
 *
 * A number in a test's comment is that of the semantic. The section of FreeBSD
 * 12.2's kqueue(2) follows it; [src] means FreeBSD's sys/kern/kern_event.c. The
 * double is tested alone here, without a loop or the library.
 */
#include "support/kqueue/checks.h"

static int marker_a, marker_b; /* two different addresses */

static const struct timespec at_once = { 0, 0 };

/* 1: DESCRIPTION, paragraph 2. */
static void reading_and_writing_of_one_descriptor_are_two_events(void **state)
{
	struct fixture *f = *state;
	struct kevent changes[2], events[4];

	put(f->pair[1], "x");
	EV_SET(&changes[0], f->pair[0], EVFILT_READ, EV_ADD, 0, 0, &marker_a);
	EV_SET(&changes[1], f->pair[0], EVFILT_WRITE, EV_ADD, 0, 0, &marker_b);
	assert_int_equal(kevent(f->kq, changes, 2, events, 4, &at_once), 2);

	assert_int_equal(events[0].filter, EVFILT_READ);
	assert_int_equal(events[0].ident, f->pair[0]);
	assert_ptr_equal(events[0].udata, &marker_a);
	assert_int_equal(events[1].filter, EVFILT_WRITE);
	assert_int_equal(events[1].ident, f->pair[0]);
	assert_ptr_equal(events[1].udata, &marker_b);

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_DELETE), 0);
	assert_int_equal(poll_events(f->kq, events, 4), 1);
	assert_int_equal(events[0].filter, EVFILT_WRITE);
}

/* 1: DESCRIPTION, paragraph 2. */
static void an_ident_of_another_filter_is_another_event(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_WRITE, EV_DELETE),
			 -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_USER, EV_DELETE), -1);
	assert_int_equal(errno, ENOENT);
}

/* 2: DESCRIPTION, paragraph 3. */
static void a_condition_that_held_before_registration_is_reported(void **state)
{
	struct fixture *f = *state;
	struct kevent event;

	put(f->pair[1], "hello");
	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 5);
	assert_int_equal(event.flags & (EV_EOF | EV_ERROR), 0);
	assert_int_equal(count_pending(f->kq), 0);
}

/* 3: DESCRIPTION, paragraph 4. */
static void a_condition_that_is_gone_is_not_returned(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	put(f->pair[1], "x");
	assert_true(polls_readable(f->kq));
	take(f->pair[0], 1);

	assert_int_equal(count_pending(f->kq), 0);
	assert_false(polls_readable(f->kq));
	put(f->pair[1], "y");
	assert_int_equal(count_pending(f->kq), 1);
}

/* 3: DESCRIPTION, paragraph 4. */
static void a_level_triggered_event_comes_until_it_is_consumed(void **state)
{
	struct fixture *f = *state;
	struct kevent event;

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	put(f->pair[1], "abc");

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 3);
	take(f->pair[0], 2);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 1);
	take(f->pair[0], 1);
	assert_int_equal(poll_events(f->kq, &event, 1), 0);
}

/* 3: [src] kqueue_scan() moves an event that still holds to the end. */
static void more_events_than_room_take_turns(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int i, seen[3] = { 0 };

	for (i = 0; i < 3; i++) {
		assert_int_equal(change(f->kq, i, EVFILT_USER, EV_ADD), 0);
		assert_int_equal(trigger(f->kq, i), 0);
	}

	for (i = 0; i < 6; i++) {
		assert_int_equal(poll_events(f->kq, &event, 1), 1);
		assert_int_equal(event.ident, i % 3);
		seen[event.ident]++;
	}
	assert_int_equal(seen[0] + seen[1] + seen[2], 6);
}

/* 4: DESCRIPTION, paragraph 5. */
static void a_closed_descriptor_number_starts_clean(void **state)
{
	struct fixture *f = *state;
	int first[2], second[2];

	assert_int_equal(pipe(first), 0);
	assert_int_equal(change(f->kq, first[0], EVFILT_READ, EV_ADD), 0);
	put(first[1], "x");
	assert_true(polls_readable(f->kq));
	close(first[0]);
	assert_false(polls_readable(f->kq));

	assert_int_equal(pipe(second), 0);
	assert_int_equal(second[0], first[0]);
	put(second[1], "x");

	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(change(f->kq, second[0], EVFILT_READ, EV_DELETE), -1);
	assert_int_equal(errno, ENOENT);
	close(first[1]);
	close(second[0]);
	close(second[1]);
}

/* 4: [src] knote_fdclose(): what counts is the descriptor number, not the open
 * file. */
static void closing_removes_the_events_though_a_duplicate_is_open(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	int ends[2], duplicate;

	assert_int_equal(pipe(ends), 0);
	duplicate = dup(ends[0]);
	assert_int_equal(change(f->kq, ends[0], EVFILT_READ, EV_ADD), 0);
	assert_int_equal(change(f->kq, duplicate, EVFILT_READ, EV_ADD), 0);
	close(ends[0]);
	put(ends[1], "x");

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.ident, duplicate);
	assert_int_equal(count_pending(f->kq), 1);
	close(duplicate);
	assert_int_equal(count_pending(f->kq), 0);
	close(ends[1]);
}

/* 4: dup2(2) closes the number that it replaces. */
static void a_descriptor_that_dup2_replaces_loses_its_events(void **state)
{
	struct fixture *f = *state;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	put(ends[1], "x");
	assert_int_equal(change(f->kq, ends[0], EVFILT_READ, EV_ADD), 0);

	assert_int_equal(dup2(-1, ends[0]), -1);
	assert_int_equal(count_pending(f->kq), 1);
	assert_int_equal(dup2(ends[0], ends[0]), ends[0]);
	assert_int_equal(count_pending(f->kq), 1);
	assert_int_equal(dup2(f->pair[0], ends[0]), ends[0]);
	assert_int_equal(count_pending(f->kq), 0);
	close(ends[0]);
	close(ends[1]);
}

/* 4: close_range(2) closes descriptors, too. */
static void a_closed_range_takes_its_events_along(void **state)
{
	struct fixture *f = *state;
	int ends[2], i;

	assert_int_equal(pipe(ends), 0);
	for (i = 200; i < 203; i++) {
		assert_int_equal(dup2(ends[0], i), i);
		assert_int_equal(change(f->kq, i, EVFILT_READ, EV_ADD), 0);
	}
	put(ends[1], "x");

	assert_int_equal(count_pending(f->kq), 3);
	assert_int_equal(close_range(201, 202, 0), 0);
	assert_int_equal(count_pending(f->kq), 1);
	close(200);
	close(ends[0]);
	close(ends[1]);
}

/* 5: DESCRIPTION, the paragraph on kevent(). */
static void all_changes_come_before_events_are_read(void **state)
{
	struct fixture *f = *state;
	struct kevent changes[3], events[4];

	EV_SET(&changes[0], 1, EVFILT_USER, EV_ADD, 0, 0, &marker_a);
	EV_SET(&changes[1], 2, EVFILT_USER, EV_ADD, 0, 0, &marker_a);
	assert_int_equal(kevent(f->kq, changes, 2, NULL, 0, NULL), 0);
	assert_int_equal(trigger(f->kq, 1), 0);

	EV_SET(&changes[0], 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	EV_SET(&changes[1], 2, EVFILT_USER, 0, NOTE_TRIGGER, 7, &marker_b);
	assert_int_equal(kevent(f->kq, changes, 2, events, 4, &at_once), 1);

	assert_int_equal(events[0].ident, 2);
	assert_int_equal(events[0].data, 7);
	assert_ptr_equal(events[0].udata, &marker_b);
}

/* 5: "When nevents is zero, kevent will return immediately." */
static void without_room_for_events_there_is_no_wait(void **state)
{
	static const struct timespec hours = { 36000, 0 };
	struct fixture *f = *state;

	/* If it waited, the program's time limit would end it. */
	assert_int_equal(kevent(f->kq, NULL, 0, NULL, 0, NULL), 0);
	assert_int_equal(kevent(f->kq, NULL, 0, NULL, 0, &hours), 0);
}

/* 6: RETURN VALUES. */
static void a_bad_change_is_reported_and_the_rest_are_applied(void **state)
{
	struct fixture *f = *state;
	struct kevent list[4];

	put(f->pair[1], "x");
	EV_SET(&list[0], 9999, EVFILT_READ, EV_ADD, 0, 0, &marker_a);
	EV_SET(&list[1], f->pair[0], EVFILT_READ, EV_ADD, 0, 0, NULL);
	EV_SET(&list[2], f->pair[0], EVFILT_WRITE, EV_DELETE, 0, 0, &marker_b);
	EV_SET(&list[3], 1, -99, EV_ADD, 0, 0, NULL);

	/* The changelist is the eventlist, too. There is no wait, as it gets
	 * entries. */
	assert_int_equal(kevent(f->kq, list, 4, list, 4, NULL), 3);

	assert_int_equal(list[0].flags, EV_ERROR);
	assert_int_equal(list[0].data, EBADF);
	assert_int_equal(list[0].ident, 9999);
	assert_int_equal(list[0].filter, EVFILT_READ);
	assert_ptr_equal(list[0].udata, &marker_a);
	assert_int_equal(list[1].flags, EV_ERROR);
	assert_int_equal(list[1].data, ENOENT);
	assert_int_equal(list[1].filter, EVFILT_WRITE);
	assert_ptr_equal(list[1].udata, &marker_b);
	assert_int_equal(list[2].data, EINVAL);
	assert_int_equal(poll_events(f->kq, list, 4), 1);
	assert_int_equal(list[0].ident, f->pair[0]);
	assert_int_equal(list[0].flags & EV_ERROR, 0);
}

/* 6: RETURN VALUES: "Otherwise, -1 will be returned". */
static void a_bad_change_without_room_fails_the_call(void **state)
{
	struct fixture *f = *state;
	struct kevent changes[3], event;

	EV_SET(&changes[0], 1, EVFILT_USER, EV_ADD, 0, 0, NULL);
	EV_SET(&changes[1], 2, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	EV_SET(&changes[2], 3, EVFILT_USER, EV_ADD, 0, 0, NULL);
	assert_int_equal(kevent(f->kq, changes, 3, NULL, 0, NULL), -1);
	assert_int_equal(errno, ENOENT);

	/* The changes before the bad one were applied, the ones after it were
	 * not. */
	assert_int_equal(change(f->kq, 1, EVFILT_USER, EV_DELETE), 0);
	assert_int_equal(change(f->kq, 3, EVFILT_USER, EV_DELETE), -1);

	EV_SET(&changes[0], 1, EVFILT_USER, EV_DELETE, 0, 0, NULL);
	assert_int_equal(kevent(f->kq, changes, 2, &event, 1, NULL), -1);
	assert_int_equal(errno, ENOENT);
}

/* 6: ERRORS. */
static void a_number_that_is_no_kqueue_is_EBADF(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(kevent(f->pair[0], NULL, 0, NULL, 0, NULL), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(kevent(-1, NULL, 0, NULL, 0, NULL), -1);
	assert_int_equal(errno, EBADF);
}

/* 7: flags, EV_RECEIPT. */
static void a_receipt_is_given_and_drains_nothing(void **state)
{
	struct fixture *f = *state;
	struct kevent changes[2], events[4];

	put(f->pair[1], "x");
	EV_SET(&changes[0], f->pair[0], EVFILT_READ, EV_ADD | EV_RECEIPT, 0, 0,
	       &marker_a);
	EV_SET(&changes[1], 5, EVFILT_USER, EV_ENABLE | EV_RECEIPT, 0, 0,
	       &marker_b);
	assert_int_equal(kevent(f->kq, changes, 2, events, 4, NULL), 2);

	assert_int_equal(events[0].flags, EV_ERROR);
	assert_int_equal(events[0].data, 0);
	assert_int_equal(events[0].ident, f->pair[0]);
	assert_ptr_equal(events[0].udata, &marker_a);
	assert_int_equal(events[1].flags, EV_ERROR);
	assert_int_equal(events[1].data, ENOENT);
	assert_int_equal(poll_events(f->kq, events, 4), 1);
	assert_int_equal(events[0].data, 1);
}

/* 7: EV_RECEIPT: "subsequent changes will not get processed". */
static void a_receipt_without_room_ends_the_changes(void **state)
{
	struct fixture *f = *state;
	struct kevent changes[2];

	EV_SET(&changes[0], 1, EVFILT_USER, EV_ADD | EV_RECEIPT, 0, 0, NULL);
	EV_SET(&changes[1], 2, EVFILT_USER, EV_ADD, 0, 0, NULL);

	assert_int_equal(kevent(f->kq, changes, 2, NULL, 0, NULL), 0);
	assert_int_equal(change(f->kq, 1, EVFILT_USER, EV_DELETE), 0);
	assert_int_equal(change(f->kq, 2, EVFILT_USER, EV_DELETE), -1);
}

/* 8: EV_ADD. */
static void adding_again_modifies_and_does_not_duplicate(void **state)
{
	struct fixture *f = *state;
	struct kevent c, events[4];

	EV_SET(&c, f->pair[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 10, &marker_a);
	assert_int_equal(kevent(f->kq, &c, 1, NULL, 0, NULL), 0);
	put(f->pair[1], "abc");
	assert_int_equal(poll_events(f->kq, events, 4), 0);

	EV_SET(&c, f->pair[0], EVFILT_READ, EV_ADD, NOTE_LOWAT, 3, &marker_b);
	assert_int_equal(kevent(f->kq, &c, 1, events, 4, &at_once), 1);

	assert_ptr_equal(events[0].udata, &marker_b);
	assert_int_equal(events[0].data, 3);
}

/* 8: [src] kqueue_register(): the flags of the first EV_ADD stay, and only
 * EV_ENABLE enables an event. */
static void adding_again_neither_enables_nor_changes_the_mode(void **state)
{
	struct fixture *f = *state;
	struct kevent event;

	put(f->pair[1], "x");
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ,
				EV_ADD | EV_DISABLE | EV_CLEAR),
			 0);
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	assert_int_equal(count_pending(f->kq), 0);

	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_READ, EV_ADD | EV_ENABLE), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.flags & EV_CLEAR, EV_CLEAR);
	assert_int_equal(count_pending(f->kq), 0);
}

/* 9: flags, EV_CLEAR. */
static void
a_cleared_event_fires_for_new_data_and_counts_all_of_it(void **state)
{
	struct fixture *f = *state;
	struct kevent event;

	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	put(f->pair[1], "abc");
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 3);
	assert_int_equal(poll_events(f->kq, &event, 1), 0);
	assert_false(polls_readable(f->kq));

	put(f->pair[1], "de");
	assert_true(polls_readable(f->kq));
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 5);
}

/* 9: flags, EV_CLEAR: free space for writing does not fire the read event. */
static void
a_cleared_read_does_not_fire_when_room_to_write_appears(void **state)
{
	struct fixture *f = *state;
	struct kevent event;
	char block[4096] = { 0 };
	size_t filled = 0;
	ssize_t size;

	put(f->pair[1], "unread");
	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
	assert_int_equal(count_pending(f->kq), 1);
	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_WRITE, EV_ADD | EV_CLEAR), 0);
	while ((size = send(f->pair[0], block, sizeof(block), MSG_DONTWAIT)) >
	       0)
		filled += (size_t)size;
	assert_int_equal(count_pending(f->kq), 0);

	while (filled > 0) {
		size = read(f->pair[1], block, sizeof(block));
		assert_true(size > 0);
		filled -= (size_t)size;
	}

	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.filter, EVFILT_WRITE);
	assert_int_equal(count_pending(f->kq), 0);
}

/* 10: flags, EV_ONESHOT. */
static void a_oneshot_event_is_deleted_by_its_delivery(void **state)
{
	struct fixture *f = *state;

	put(f->pair[1], "x");
	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_READ, EV_ADD | EV_ONESHOT), 0);

	assert_int_equal(count_pending(f->kq), 1);
	assert_int_equal(count_pending(f->kq), 0);
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_DELETE), -1);
	assert_int_equal(errno, ENOENT);
}

/* 10: flags, EV_DISPATCH and EV_ENABLE. */
static void a_dispatched_event_is_disabled_until_enabled(void **state)
{
	struct fixture *f = *state;
	struct kevent event;

	put(f->pair[1], "x");
	assert_int_equal(
		change(f->kq, f->pair[0], EVFILT_READ, EV_ADD | EV_DISPATCH),
		0);
	assert_int_equal(count_pending(f->kq), 1);
	put(f->pair[1], "y");
	assert_int_equal(count_pending(f->kq), 0);
	assert_false(polls_readable(f->kq));

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ENABLE), 0);
	assert_int_equal(poll_events(f->kq, &event, 1), 1);
	assert_int_equal(event.data, 2);

	/* EV_ENABLE tests the condition: it no longer holds, so nothing is
	 * reported. */
	take(f->pair[0], 2);
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ENABLE), 0);
	assert_int_equal(count_pending(f->kq), 0);
}

/* 10: flags, EV_DISABLE: "The filter itself is not disabled." */
static void a_disabled_event_is_kept(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ADD), 0);
	put(f->pair[1], "x");
	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_DISABLE), 0);
	assert_int_equal(count_pending(f->kq), 0);

	assert_int_equal(change(f->kq, f->pair[0], EVFILT_READ, EV_ENABLE), 0);
	assert_int_equal(count_pending(f->kq), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reading_and_writing_of_one_descriptor_are_two_events),
		TEST(an_ident_of_another_filter_is_another_event),
		TEST(a_condition_that_held_before_registration_is_reported),
		TEST(a_condition_that_is_gone_is_not_returned),
		TEST(a_level_triggered_event_comes_until_it_is_consumed),
		TEST(more_events_than_room_take_turns),
		TEST(a_closed_descriptor_number_starts_clean),
		TEST(closing_removes_the_events_though_a_duplicate_is_open),
		TEST(a_descriptor_that_dup2_replaces_loses_its_events),
		TEST(a_closed_range_takes_its_events_along),
		TEST(all_changes_come_before_events_are_read),
		TEST(without_room_for_events_there_is_no_wait),
		TEST(a_bad_change_is_reported_and_the_rest_are_applied),
		TEST(a_bad_change_without_room_fails_the_call),
		TEST(a_number_that_is_no_kqueue_is_EBADF),
		TEST(a_receipt_is_given_and_drains_nothing),
		TEST(a_receipt_without_room_ends_the_changes),
		TEST(adding_again_modifies_and_does_not_duplicate),
		TEST(adding_again_neither_enables_nor_changes_the_mode),
		TEST(a_cleared_event_fires_for_new_data_and_counts_all_of_it),
		TEST(a_cleared_read_does_not_fire_when_room_to_write_appears),
		TEST(a_oneshot_event_is_deleted_by_its_delivery),
		TEST(a_dispatched_event_is_disabled_until_enabled),
		TEST(a_disabled_event_is_kept),
	};

	choose_tests();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
