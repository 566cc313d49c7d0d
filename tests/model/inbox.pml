/*
 * A model of a loop's inbox, for the model checker spin.
 *
 * A loop belongs to one thread; the inbox is how every other thread, and
 * every signal handler, hands it work.  Nobody takes a lock.  The script
 * `run' beside this file has spin try every interleaving of a few small
 * configurations, then breaks the algorithm one step at a time (a mutant,
 * below) and demands that each break be found.
 *
 * The algorithm
 *
 * One atomic word, head, says all there is to say of the inbox:
 *
 *	EMPTY	nothing is queued, and the loop is awake;
 *	ASLEEP	nothing is queued, and the loop sleeps or is about to;
 *	CLOSED	the loop takes no more work;
 *	else	the newest entry of a stack linked by entry.next.
 *
 * An entry's next is NULL (NIL here) while nobody has it queued.  The last
 * entry of a list holds END, so that a queued entry's next is never NIL.
 *
 * post, from anywhere:
 *   1.	Claim the entry: next goes from NIL to END by compare-and-swap.
 *	Whoever fails returns EALREADY.
 *   2.	Write the entry's function.
 *   3.	Read head.  CLOSED: next = NIL, return ESHUTDOWN.
 *   4.	Link the entry to the old head (END if there was none), and put it
 *	in head by compare-and-swap; failing that, go to 3.
 *   5.	If the old head was ASLEEP, wake the loop.
 * No step waits for another thread.  So a handler that interrupts a post is
 * but a thread that runs while another stands still, and the processes
 * below stand for threads and handlers both.
 *
 * The loop's thread:
 *   take over	exchange head for EMPTY; reverse the stack; append it to a
 *		queue of the loop's own.
 *   run	read the function, let next be NIL, call the function.  From
 *		then on the entry may be posted again.
 *   sleep	only if the own queue is empty: EMPTY to ASLEEP by
 *		compare-and-swap.  Failing that there is something to take:
 *		poll the kernel without sleeping.  Afterwards ASLEEP to EMPTY
 *		by compare-and-swap (a post may have been faster, which is
 *		fine); take over.
 *   cancel	take over; look for the entry in the own queue.  An entry
 *		that is claimed but not yet in head is not found: ENOENT, and
 *		it will run, for its post has not returned.
 *   close	only if the own queue is empty: EMPTY to CLOSED by
 *		compare-and-swap, else EBUSY.
 *
 * A wake makes the present or the next wait in the kernel return (an eventfd
 * polled for edges).  It may come late, even after the loop was closed, so
 * what it writes to lives until the last reference to the loop is dropped;
 * every poster holds one.
 *
 * An async's send is a post which takes EALREADY for success: whoever finds
 * the entry claimed leaves its news to the callback which is yet to begin.
 * For that, "let next be NIL" has to be more than a store.  The sender
 * writes its data and then reads next; the loop writes next and then reads
 * the data.  If the loop's write may linger in the processor's store buffer
 * (a release store may, on x86 too), each side can read what the other has
 * overwritten: the sender is told EALREADY, and the callback sees the old
 * data.  So the loop's write is an exchange, which drains the buffer; and
 * the sender has a full fence before its compare-and-swap, which is but a
 * load when it fails.  Even so C11 sees no edge to the callback from data
 * that is not atomic.  With -DPENDING the async has instead a word of its
 * own, which both sides exchange: the sender for 1, leaving if it was 1
 * already; the loop for 0, after it let next be NIL and before the callback.
 * Each side then reads what the other wrote, and that is an edge in C11 also.
 * (spin interleaves whole steps: only the mutant CLEAR_BY_STORE has a store
 * buffer here.)
 *
 * A send that joins another's claim shares its fate.  If the loop is closed
 * between that claim and its push, the claimer gets ESHUTDOWN; the one who
 * joined was told 0 and never has its callback.  With -DSTRICT the model
 * calls this an error, and finds it.
 *
 * What is checked
 *
 *   -	A post that returned 0 is run once or cancelled once, and a refused
 *	one never; what runs is the function that post wrote.
 *   -	The posts of one thread run in their order.
 *   -	No lost wake-up: the loop sleeps for ever only if nothing is queued
 *	(else spin finds an invalid end state).  The kernel may return
 *	without reason, but only SPURIOUS times, so that it cannot hide a
 *	wake-up that was lost.
 *   -	No busy loop: every cycle runs something (spin's non-progress check).
 *   -	At most one wake for each time that head became ASLEEP, and none if
 *	the loop took ASLEEP back itself.
 *   -	No wake touches a poller that is freed.
 *   -	close never succeeds with something queued.
 *   -	cancel never says ENOENT of what was queued when it was called.
 *   -	At the end every entry can be posted again.
 *   -	When an async's send returned 0, a callback began after the send did
 *	(with the exception above).
 *
 * Configurations, each a -D flag (none: two threads, each with POSTS entries
 * of its own): SHARED, all posts are of one entry; REPOST, a callback posts
 * its own entry, once; CANCEL=n, entry 0 is cancelled up to n times; CLOSE=n,
 * the loop is closed, in n tries; ASYNC, SHARED by sends.
 *
 * Mutants, each a -D flag: see where the name is used.
 */

#ifndef NPROD
#define NPROD		2		/* threads that post */
#endif
#ifndef POSTS
#define POSTS		2		/* posts of each */
#endif
#ifndef SPURIOUS
#define SPURIOUS	1		/* waits that return without reason */
#endif
#ifndef CANCEL
#define CANCEL		0
#endif
#ifndef CLOSE
#define CLOSE		0
#endif

#ifdef ASYNC
#define SHARED
#endif

#ifdef SHARED
#define NENT		1
#define ENTRY(me, i)	0
#else
#define NENT		(NPROD * POSTS)
#define ENTRY(me, i)	((me) * POSTS + (i))
#endif

/* Entries are 0 to NENT - 1; the other values of head and next: */
#define NIL		100
#define END		101
#define EMPTY		102
#define ASLEEP		103
#define CLOSED		104
#define IS_ENTRY(x)	((x) < NENT)

/* What post returns. */
#define OK		0
#define EALREADY	1
#define ESHUTDOWN	2

/* Every post has a number; those of one thread are in a row. */
#define POST(me, i)	((me) * POSTS + (i))
#define REPOSTED	(NPROD * POSTS)
#define BIT(n)		(1 << (n))
/* The later posts of the thread that made post n. */
#define LATER(n)	((BIT(POSTS - 1 - (n) % POSTS) - 1) << ((n) + 1))

/* What the threads share. */
byte head = EMPTY;
byte next[NENT] = NIL;
byte fn[NENT];				/* the number of the post */
bool edge;				/* the kernel's wait is to return */
byte refs = NPROD + 1;			/* to the loop */
bool freed;				/* the poller is gone */
#ifdef ASYNC
byte data;				/* a bit for each send that began */
#ifdef PENDING
bit pending;
#endif
#endif
#ifdef CLEAR_BY_STORE
#define NOTHING		2
byte buffer = NOTHING;			/* a store nobody else sees yet */
#endif

/* What only the checks know of. */
byte inq;				/* entries pushed and not yet out */
byte naps;				/* ASLEEPs that are owed a wake */
byte taken;				/* posts that returned 0 by a push */
byte joined;				/* posts that returned EALREADY */
byte refused;				/* posts that returned ESHUTDOWN */
byte ran;				/* posts that ran */
byte cancelled;				/* posts that were cancelled */
byte seen;				/* data the async's callback saw, or */
					/* which was there at a cancel */
byte done;				/* threads that are through */

/* The loop's processor must have its stores out before it locks a word. */
#ifdef CLEAR_BY_STORE
#define DRAINED		(buffer == NOTHING)
#else
#define DRAINED		true
#endif

inline drop()
{
	atomic {
		refs--;
		if
		:: refs == 0 -> freed = true
		:: else
		fi
	}
}

inline wake()
{
#ifndef NO_WAKE
	atomic {
		assert(!freed);
		assert(naps > 0);
		naps--;
		edge = true
	}
#else
	skip
#endif
}

/*
 * Used by producers and, for REPOST, by the loop.  Each has the variables
 * won, old and ret.
 */
inline post(e, n)
{
#ifdef FN_BEFORE_CLAIM
	fn[e] = n;
#endif
#ifdef CLAIM_BY_STORE
	won = (next[e] == NIL);
	if
	:: won -> next[e] = END
	:: else
	fi;
#else
	atomic {
		if
		:: next[e] == NIL -> next[e] = END; won = true
		:: else -> won = false
		fi
	}
#endif
	if
	:: !won -> ret = EALREADY
	:: else ->
#ifndef FN_BEFORE_CLAIM
		fn[e] = n;
#endif
#ifdef NO_RETEST
		old = head;
		won = (old != CLOSED);
#endif
		do
		:: !won -> break
		:: else ->
			old = head;
			if
#ifndef NO_RETEST
			:: old == CLOSED ->
				won = false;
				break
#endif
			:: old == EMPTY || old == ASLEEP -> next[e] = END
			:: else -> next[e] = old
			fi;
#ifdef PUSH_BY_STORE
			atomic { head = e; inq = inq | BIT(e) };
			break
#else
			atomic {
				if
				:: head == old ->
					head = e;
					inq = inq | BIT(e);
					break
				:: else
				fi
			}
#endif
		od;
		if
		:: !won ->
#ifndef REFUSED_KEEPS_CLAIM
			next[e] = NIL;
#endif
			ret = ESHUTDOWN
#ifdef WAKE_ALWAYS
		:: won && (old == ASLEEP || old == EMPTY) ->
#else
		:: won && old == ASLEEP ->
#endif
			wake();
			ret = OK
		:: else -> ret = OK
		fi
	fi
}

inline send(e, n)
{
	data = data | BIT(n);
#ifdef PENDING
	atomic { old = pending; pending = 1 };
	if
	:: old == 1 -> ret = EALREADY
	:: else ->
		post(e, n);
		assert(ret != EALREADY);
		if
		:: ret == ESHUTDOWN -> pending = 0
		:: else
		fi
	fi
#else
	post(e, n)
#endif
}

inline note(n)
{
	if
	:: ret == OK -> taken = taken | BIT(n)
	:: ret == EALREADY -> joined = joined | BIT(n)
	:: ret == ESHUTDOWN -> refused = refused | BIT(n)
	fi
}

proctype producer(byte me)
{
	byte i, old, ret;
	bool won;

	do
	:: i < POSTS ->
#ifdef ASYNC
		send(ENTRY(me, i), POST(me, i));
#else
		post(ENTRY(me, i), POST(me, i));
#endif
		d_step { note(POST(me, i)); i++ }
	:: else -> break
	od;
	atomic { drop(); done++ }
}

#ifdef CLEAR_BY_STORE
proctype store_buffer()
{
end:	do
	:: atomic { buffer != NOTHING ->
#ifdef PENDING
			pending = 0;
#else
			next[buffer] = NIL;
#endif
			buffer = NOTHING }
	od
}
#endif

/*
 * Reversing is one step here: only the loop reads these links, and others
 * see but that they are not NIL.
 */
inline take_over()
{
	got = head;
	if
	:: !IS_ENTRY(got)
	:: else ->
#ifdef TAKE_BY_STORE
		head = EMPTY;
#else
		atomic { DRAINED -> got = head; head = EMPTY };
#endif
		d_step {
			last = got;
			rev = END;
			n = 0;
#ifdef NO_REVERSE
			rev = got;
			do
			:: next[last] != END -> last = next[last]
			:: else -> break
			od;
#else
			do
			:: got != END ->
				/* A broken list may be a ring. */
				n++;
				assert(n <= NENT);
				tmp = next[got];
				next[got] = rev;
				rev = got;
				got = tmp
			:: else -> break
			od;
#endif
			if
			:: first == END -> first = rev
			:: else -> next[newest] = rev
			fi;
			newest = last;
			got = 0; last = 0; rev = 0; n = 0; tmp = 0
		}
	fi
}

/* The sends that began before this need no other callback. */
inline answer()
{
#ifdef ASYNC
	seen = data
#else
	skip
#endif
}

/* Let the others have the entry, or the async, again. */
inline clear_next(e)
{
	atomic {
		DRAINED ->
#if defined(CLEAR_BY_STORE) && !defined(PENDING)
		buffer = e;
#else
		next[e] = NIL;
#endif
		inq = inq & ~BIT(e)
	}
}

inline clear_pending(e)
{
#ifdef PENDING
	atomic {
		DRAINED ->
#ifdef CLEAR_BY_STORE
		buffer = e
#else
		pending = 0
#endif
	}
#else
	skip
#endif
}

inline run_first()
{
	e = first;
	first = next[e];
#ifdef FN_AFTER_CLEAR
	clear_next(e);
	f = fn[e];
#else
	f = fn[e];
#ifdef PENDING_FIRST
	clear_pending(e);
	clear_next(e);
#else
#if !defined(CLEAR_LATE) || defined(PENDING)
	clear_next(e);
#endif
#ifndef CLEAR_LATE
	clear_pending(e);
#endif
#endif
#endif
	/* The callback. */
progress:
	atomic {
		assert(!(ran & BIT(f)));
		assert(!(ran & LATER(f)));
		assert(!(cancelled & BIT(f)));
		ran = ran | BIT(f);
		answer()
	};
#ifdef REPOST
	if
	:: !reposted ->
		reposted = true;
		post(e, REPOSTED);
		note(REPOSTED)
	:: else
	fi;
#endif
#ifdef CLEAR_LATE
#ifndef PENDING
	clear_next(e);
#endif
	clear_pending(e);
#endif
	e = 0;
	f = 0
}

/* One step: the own queue is nobody else's. */
inline unlink(e)
{
	d_step {
		found = false;
		tmp = END;
		got = first;
		do
		:: got != END && got != e -> tmp = got; got = next[got]
		:: else -> break
		od;
		if
		:: got == END
		:: else ->
			found = true;
			if
			:: tmp == END -> first = next[e]
			:: else -> next[tmp] = next[e]
			fi;
			if
			:: newest == e -> newest = tmp
			:: else
			fi
		fi;
		got = 0;
		tmp = 0
	}
}

inline cancel(e)
{
	was = inq & BIT(e);
#ifdef CANCEL_LOOKS_FIRST
	unlink(e);
	take_over();
#else
	take_over();
	unlink(e);
#endif
	if
	:: found ->
		atomic {
			assert(!((ran | cancelled) & BIT(fn[e])));
			cancelled = cancelled | BIT(fn[e]);
			inq = inq & ~BIT(e);
			next[e] = NIL
		};
		clear_pending(e);
		answer()
	:: else -> assert(!was)
	fi;
	found = false;
	was = 0
}

inline close()
{
#ifdef CLOSE_BY_STORE
	closed = (first == END && head == EMPTY);
	if
	:: closed -> head = CLOSED
	:: else
	fi;
#else
	assert(head != ASLEEP);
	atomic {
		if
#ifdef CLOSE_IGNORES_QUEUE
		:: head == EMPTY ->
#else
		:: first == END && head == EMPTY ->
#endif
			head = CLOSED;
			assert(inq == 0);
			closed = true
		:: else
		fi
	};
#endif
	if
#ifdef FREED_AT_CLOSE
	:: closed -> freed = true
#endif
	:: closed -> drop()
	:: else
	fi
}

/* Sets quiet if nothing more can happen. */
inline sleep()
{
#ifdef NO_ASLEEP
	slept = (head == EMPTY);
#else
#ifdef SLEEP_BY_STORE
	slept = (head == EMPTY);
	if
	:: slept -> naps++; head = ASLEEP
	:: else
	fi;
#else
	atomic {
		DRAINED ->
		if
		:: head == EMPTY -> head = ASLEEP; naps++; slept = true
		:: else -> slept = false
		fi
	};
#endif
#endif
	if
	:: slept ->
		if
		:: atomic { edge -> edge = false }
		:: spurious > 0 -> spurious--
		:: done == NPROD && inq == 0 && !edge -> quiet = true
		fi
	:: else ->
		edge = false
	fi;
#ifndef STAY_ASLEEP
#ifdef UNSLEEP_BY_STORE
	if
	:: head == ASLEEP -> naps--; head = EMPTY
	:: else
	fi;
#else
	atomic {
		DRAINED ->
		if
		:: head == ASLEEP -> head = EMPTY; naps--
		:: else
		fi
	};
#endif
#endif
	slept = false
}

inline check()
{
	atomic {
		assert(done == NPROD && DRAINED);
		assert(inq == 0);
		assert((ran & cancelled) == 0);
		assert((ran | cancelled) == taken);
		assert(!IS_ENTRY(head));
		n = 0;
		do
		:: n < NENT -> assert(next[n] == NIL); n++
		:: else -> break
		od;
#ifdef ASYNC
		assert((taken & ~seen) == 0);
#ifdef STRICT
		assert((joined & ~seen) == 0);
#else
		assert((joined & ~seen) == 0 || (closed && refused != 0));
#endif
#endif
	}
}

proctype loop()
{
	byte first = END, newest = END;		/* the own queue */
	byte spurious = SPURIOUS, cancels = CANCEL, closes = CLOSE;
	byte got, last, rev, tmp, n, e, f, was;
	bool found, slept, quiet, closed;
#ifdef REPOST
	bool reposted, won;
	byte old, ret;
#endif

	do
	:: closed || quiet -> break
	:: !closed && !quiet ->
		if
		:: first != END -> run_first()
		:: cancels > 0 -> cancels--; cancel(0)
		:: closes > 0 -> closes--; close()
		:: first == END -> sleep(); take_over()
		fi
	od;
	done == NPROD && DRAINED;
	check();
	if
	:: !closed -> drop()
	:: else
	fi;
	assert(freed)
}

init
{
	byte i;

	atomic {
#ifdef CLEAR_BY_STORE
		run store_buffer();
#endif
		run loop();
		do
		:: i < NPROD -> run producer(i); i++
		:: else -> break
		od
	}
}
