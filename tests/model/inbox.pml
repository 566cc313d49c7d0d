/*
 * A model of a loop's inbox, for the model checker spin.
 *
 * A loop belongs to one thread.  Through the inbox all other threads, and
 * signal handlers, hand it work, without a lock.  The script `run' in this
 * directory lets spin try every interleaving of a few small configurations.
 * Then it breaks the algorithm one step at a time (a mutant, below) and
 * demands that each break be found.
 *
 * The algorithm
 *
 * One atomic word, head, is the whole state of the inbox:
 *
 *	EMPTY	nothing is queued, and the loop is awake;
 *	ASLEEP	nothing is queued, and the loop sleeps or is about to;
 *	CLOSED	the loop takes no more work;
 *	else	the newest entry of a stack linked by entry.next.
 *
 * An entry has two words that several threads change:
 *
 *	next	the entry that was posted before it, or the state that head had
 *		before the first one; in the loop's own queues the one after
 *		it, or END.
 *	queued	the flag ROTAI_ENTRY_QUEUED in its owner, the claim: the entry
 *		is in a queue, or about to be, and was not called yet.
 *
 * post, from any thread or handler; a send is the same:
 *   1.	Claim the entry: set queued by fetch_or.  If it was set return EALREADY
 *	(a send: 0).
 *   2.	Write the entry's function.
 *   3.	If a shutdown has begun (refuses), or head is CLOSED: clear queued,
 *	return ESHUTDOWN.
 *   4.	Let the entry's next be head, and put the entry in head by
 *	compare-and-swap.  If that fails, look at head again, as in 3.
 *   5.	If the old head was ASLEEP, wake the loop.
 * post_all claims several entries, skips those that are queued, and links each
 * to the one before.  It pushes them as one, or clears queued of each.
 *
 * No step waits for another thread.  So a handler that interrupts a post is
 * like a thread that runs while another one stands still, and the processes
 * below model both threads and handlers.
 *
 * The loop's thread:
 *   take over	if head is an entry, exchange it for EMPTY; reverse the
 *		stack; append it to a queue of the loop's own.
 *   run	read the function, clear queued by fetch_and, call the function.
 *		From then on the entry may be posted again.
 *   queue	(locally) claim, write the function.  To run it: read the
 *		function, clear queued by a plain store, call the function.
 *   sleep	only if the own queues are empty: change EMPTY to ASLEEP by
 *		compare-and-swap, unless it is ASLEEP already.  If that fails
 *		there is something to take: poll the kernel without sleeping.
 *		Afterwards change ASLEEP to EMPTY by compare-and-swap (a post
 *		may have been faster, which is fine); take over.
 *		rota_loop_next_timeout() leaves the loop ASLEEP.
 *   cancel	take over; look for the entry in the own queues; unlink it, and
 *		clear queued by fetch_and.  An entry that is claimed but not
 *		yet in head is not found: the result is ENOENT, and the entry
 *		will run, because its post has not returned.
 *   close	take over; only if the own queues are empty: change EMPTY, or
 *		else ASLEEP, to CLOSED by compare-and-swap; otherwise EBUSY.
 *   shutdown	set refuses, and close as soon as that succeeds; meanwhile run
 *		what is queued.  Or run out of time, and clear refuses.
 *
 * A wake makes the present or the next wait in the kernel return (an eventfd
 * that is polled edge-triggered).  It may come late, even after the loop was
 * closed.  So what it writes to lives until the last reference to the loop is
 * dropped, and every poster holds a reference.
 *
 * Why a claim that fails writes
 *
 * A poster that finds an entry posted relies on the callback that has not begun
 * yet to see its data.  Reading the flag does not ensure that (the mutant
 * CLAIM_READS).  The poster writes its data and then reads the flag; the loop
 * clears the flag and then reads the data.  The poster's write may still be in
 * its processor's store buffer, and so each side can read what the other one
 * has overwritten: the poster gets EALREADY, and the callback sees the old
 * data.  If the loop uses a plain store the same happens the other way round
 * (the mutant CLEAR_BY_STORE; a release store may be delayed as well, on x86,
 * too).  Of two read-modify-writes of the flag, however, one reads what the
 * other one wrote, and in C11 each poster then happens before the callback.
 *
 * spin interleaves whole steps.  Of store buffers the model has only one slot,
 * the loop's, where it matters: for queued in a local queue's run, and in the
 * mutant CLEAR_BY_STORE; and in CLAIM_READS a poster's data.
 *
 * Exceptions
 *
 * A post that joins another one, because queued was set, shares its fate:
 *   -	If the other one's push is refused, because the loop was closed or a
 *	shutdown began in between, the other one gets ESHUTDOWN.  The post that
 *	joined has got EALREADY (a send: 0), and there need not be a callback.
 *   -	If the loop's own thread has queued the task, locally, the callback may
 *	see old data, as above.
 * With -DSTRICT_REFUSED and -DSTRICT_LOCAL the model calls these errors, and
 * finds them.  Nothing else is allowed: the posts that joined are noted one by
 * one (joining).
 *
 * What is checked
 *
 *   -	A post that returned 0 is run once or cancelled once, and a refused
 *	one never; the function that runs is the one that the post wrote.
 *   -	The posts of one thread run in their order.
 *   -	If a post returned 0, or EALREADY, a callback began, or the post
 *	was cancelled, after it wrote its data (with the exceptions above).
 *   -	A step that clears queued finds it set.
 *   -	No wake-up is lost: the loop sleeps forever only if nothing is queued
 *	(otherwise spin finds an invalid end state).  The kernel may return
 *	without a reason, but only SPURIOUS times, so that it cannot hide a
 *	wake-up that was lost.
 *   -	No busy loop: every cycle runs something (spin's non-progress check).
 *   -	There is at most one wake for each time that head became ASLEEP, and
 *	none if the loop took ASLEEP back itself; after a sleep head is not
 *	ASLEEP.
 *   -	No wake touches a poller that is freed.
 *   -	close never succeeds with something queued.
 *   -	cancel never returns ENOENT for an entry that was queued when it was
 *	called.
 *   -	At the end every entry can be posted again.
 *
 * Not modelled: forks (rotai_asyncs_repair()), what keeps a loop alive, and an
 * async that is stopped while it is sent.
 *
 * Configurations
 *
 * Each is a -D flag; without one, there are two threads, each with POSTS
 * entries of its own.
 *
 *	SHARED		all posts are of one entry, and have data
 *	SHARED=2	of two entries, and every second thread takes them in
 *			the other order
 *	CHAIN		the posts of a thread are one post_all
 *	REPOST		a callback posts its own entry, once
 *	LOCAL=n		(with SHARED) the loop's thread queues the entry
 *			locally, up to n times
 *	CANCEL=n	entry 0 is cancelled up to n times
 *	CLOSE=n		the loop is closed, in n tries
 *	SHUTDOWN=n	a shutdown begins or fails, n times in total
 *	EMBED=n		the loop is left ASLEEP n times
 *
 * The mutants are -D flags, too: see where each name is used.
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
#ifndef LOCAL
#define LOCAL		0
#endif
#ifndef CANCEL
#define CANCEL		0
#endif
#ifndef CLOSE
#define CLOSE		0
#endif
#ifndef SHUTDOWN
#define SHUTDOWN	0
#endif
#ifndef EMBED
#define EMBED		0
#endif

#ifdef SHARED
#define NENT		SHARED
#define ENTRY(me, i)	(((me) & 1) * (NENT - 1) + (i) % NENT * (1 - 2 * ((me) & 1 & (NENT - 1))))
#else
#define NENT		(NPROD * POSTS)
#define ENTRY(me, i)	((me) * POSTS + (i))
#endif

/* Entries are 0 to NENT - 1; the other values of head and next: */
#define END		101
#define EMPTY		102
#define ASLEEP		103
#define CLOSED		104
#define IS_ENTRY(x)	((x) < NENT)

/* What post returns. */
#define OK		0
#define EALREADY	1
#define ESHUTDOWN	2

/* Every post has a number; those of one thread are consecutive. */
#define POST(me, i)	((me) * POSTS + (i))
#define REPOSTED	(NPROD * POSTS)
#define LOCALLY		(NPROD * POSTS + 1)	/* not a post */
#define BIT(n)		(1 << (n))
/* The later posts of the thread that made post n. */
#define LATER(n)	((BIT(POSTS - 1 - (n) % POSTS) - 1) << ((n) + 1))

/* The state that the threads share. */
byte head = EMPTY;
byte next[NENT] = END;
bool queued[NENT];
byte fn[NENT];				/* the number of the post */
bool edge;				/* the kernel's wait must return */
byte refs = NPROD + 1;			/* to the loop */
bool freed;				/* the poller is gone */
#if SHUTDOWN
bool refuses;				/* a shutdown has begun */
#endif
#ifdef SHARED
byte data[NENT];			/* a bit for each post that began, */
					/* until a callback reads it */
#endif

/*
 * The store buffer of the loop's processor, for entry 0: a store that no other
 * processor sees yet.  Where a locked instruction follows the store in the
 * code, the model has no buffer.
 */
#if LOCAL || defined(CLEAR_BY_STORE)
#define STORE_BUFFER
#define NOTHING		0
#define QUEUED_IS_0	1
byte buffer = NOTHING;
#define DRAINED		(buffer == NOTHING)
#else
#define DRAINED		true
#endif

/* The state that only the checks use. */
byte inq;				/* entries pushed and not yet out */
byte naps;				/* ASLEEPs that may still have a wake */
byte taken;				/* posts that returned 0 */
byte ran;				/* posts that ran */
byte cancelled;				/* posts that were cancelled */
byte done;				/* threads that have ended */
#ifdef SHARED
byte joining[NENT];			/* posts that found queued set, since */
					/* it was */
byte excused;				/* posts whose data need not be read */
#endif
bool ours;				/* the loop has queued entry 0 locally */

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

/* For the checks: post n begins; it joins the post that has set queued. */
inline begins(e, n)
{
#ifdef SHARED
	data[e] = data[e] | BIT(n)
#else
	skip
#endif
}

inline joins(e, n)
{
#ifdef SHARED
	if
#ifndef STRICT_LOCAL
	:: ours && e == 0 -> excused = excused | BIT(n)
#endif
	:: else -> joining[e] = joining[e] | BIT(n)
	fi
#else
	assert(false)
#endif
}

/* A post that was refused clears queued, and no callback need read its data. */
inline give_up(e)
{
	atomic {
		assert(queued[e]);
		queued[e] = false;
#ifdef SHARED
#ifdef STRICT_REFUSED
		excused = excused | BIT(fn[e]);
#else
		excused = excused | BIT(fn[e]) | joining[e];
#endif
		joining[e] = 0
#endif
	}
}

/* rotai_entry_claim(). */
inline claim(e, n)
{
#ifdef FN_BEFORE_CLAIM
	fn[e] = n;
#endif
#ifdef CLAIM_BY_STORE
	atomic { begins(e, n); won = !queued[e] };
	atomic {
		queued[e] = true;
		if
		:: won
		:: else -> joins(e, n); ret = EALREADY
		fi
	};
#else
#ifdef CLAIM_READS
	atomic {
		won = !queued[e];
		if
		:: won -> queued[e] = true; begins(e, n)
		:: else -> joins(e, n); ret = EALREADY
		fi
	};
	if
	:: !won -> begins(e, n)
	:: else
	fi;
#else
	atomic {
		begins(e, n);
		if
		:: !queued[e] -> queued[e] = true; won = true
		:: else -> joins(e, n); won = false; ret = EALREADY
		fi
	};
#endif
#endif
#ifndef FN_BEFORE_CLAIM
	if
	:: won -> fn[e] = n
	:: else
	fi
#endif
}

/*
 * rota_task_post() and rota_async_send().  Used by producers and, for REPOST,
 * by the loop.  Each has the variables won, old and ret.
 */
inline post(e, n)
{
	claim(e, n);
	if
	:: !won
	:: else ->
		push(e, e, BIT(e));
		if
		:: won
		:: else ->
#ifndef REFUSED_KEEPS_CLAIM
			give_up(e)
#endif
		fi
	fi
}

/* rotai_inbox_push(), of entries that are bits: won, or it is refused. */
inline push(top, bottom, bits)
{
#if SHUTDOWN
	won = !refuses;
#endif
#ifdef NO_RETEST
	old = head;
	won = (old != CLOSED);
#endif
	do
	:: !won -> break
	:: else ->
		/* No other thread reads this link yet. */
		atomic {
			old = head;
			if
#ifndef NO_RETEST
			:: old == CLOSED -> won = false
#endif
#ifdef CHAIN_ON_NOTHING
			:: bottom != top -> next[bottom] = EMPTY
#endif
			:: else -> next[bottom] = old
			fi
		};
#ifdef PUSH_BY_STORE
		atomic {
			if
			:: !won
			:: else -> head = top; inq = inq | bits; break
			fi
		}
#else
		atomic {
			if
			:: won && head == old ->
				head = top;
				inq = inq | bits;
				break
			:: else
			fi
		}
#endif
	od;
	if
	:: !won -> ret = ESHUTDOWN
#ifdef WAKE_ALWAYS
	:: won && (old == ASLEEP || old == EMPTY) ->
#else
	:: won && old == ASLEEP ->
#endif
		wake();
		ret = OK
	:: else -> ret = OK
	fi
}

inline note(n)
{
	if
	:: ret == OK -> taken = taken | BIT(n)
	:: else
	fi
}

#ifdef CHAIN
/* rota_task_post_all(): the posts of one thread. */
inline post_all(me)
{
	do
	:: i < POSTS ->
		e = ENTRY(me, i);
		claim(e, POST(me, i));
		if
		:: !won
		:: else ->
			d_step {
#ifdef CHAIN_BACKWARDS
				if
				:: top == END -> top = e
				:: else -> next[bottom] = e
				fi;
				bottom = e;
#else
				next[e] = top;
				if
				:: top == END -> bottom = e
				:: else
				fi;
				top = e;
#endif
				bits = bits | BIT(e);
				mine = mine | BIT(POST(me, i))
			}
		fi;
		i++
	:: else -> break
	od;
	if
	:: top == END -> ret = EALREADY
	:: else ->
		won = true;
		push(top, bottom, bits);
		if
		:: won -> atomic { taken = taken | mine }
		:: else ->
			do
#ifdef CHAIN_RELEASED_FIRST
			:: top != bottom ->
				give_up(top); top = next[top]
#else
			:: top != bottom ->
				old = next[top]; give_up(top); top = old
#endif
			:: else -> break
			od;
#ifndef CHAIN_KEEPS_OLDEST
			give_up(top)
#endif
		fi
	fi
}
#endif

proctype producer(byte me)
{
	byte i, old, ret;
	bool won;

#ifdef CHAIN
	byte e, top = END, bottom = END, bits, mine;

	post_all(me);
#else
	do
	:: i < POSTS ->
		post(ENTRY(me, i), POST(me, i));
		d_step { note(POST(me, i)); i++; old = 0; ret = 0; won = 0 }
	:: else -> break
	od;
#endif
	atomic { drop(); done++ }
}

#ifdef STORE_BUFFER
proctype store_buffer()
{
end:	do
	:: atomic { buffer == QUEUED_IS_0 ->
		queued[0] = false; ours = false; buffer = NOTHING }
	od
}
#endif

/*
 * rotai_inbox_take_over().  Reversing is one step here: only the loop reads
 * these links.
 */
inline take_over()
{
	got = head;
	if
	:: !IS_ENTRY(got) -> got = 0
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
			:: IS_ENTRY(next[last]) -> last = next[last]
			:: else -> break
			od;
			next[last] = END;
#else
			do
			:: IS_ENTRY(got) ->
				/* A broken list may be circular. */
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

/* A callback begins: it reads the data. */
inline reads(e)
{
#ifdef SHARED
	data[e] = 0
#else
	skip
#endif
}

/* rotai_entry_release(). */
inline release(e)
{
	atomic {
		DRAINED ->
		assert(queued[e]);
#ifdef SHARED
		joining[e] = 0;
#endif
#ifdef CLEAR_BY_STORE
		buffer = QUEUED_IS_0
#else
		queued[e] = false
#endif
	}
}

/* rotai_posts_call() and rotai_async_call(). */
inline run_first()
{
	atomic {
		e = first;
		first = next[e];
		inq = inq & ~BIT(e);
#ifndef FN_AFTER_CLEAR
		f = fn[e]
#endif
	};
#ifndef CLEAR_LATE
	release(e);
#endif
#ifdef FN_AFTER_CLEAR
	f = fn[e];
#endif
	/* The callback. */
progress:
	atomic {
		assert(f != LOCALLY);
		assert(!(ran & BIT(f)));
		assert(!(ran & LATER(f)));
		assert(!(cancelled & BIT(f)));
		ran = ran | BIT(f);
		reads(e)
	};
#ifdef REPOST
	if
	:: !reposted ->
		reposted = true;
		DRAINED;
		post(e, REPOSTED);
		d_step { note(REPOSTED); old = 0; ret = 0; won = 0 }
	:: else
	fi;
#endif
#ifdef CLEAR_LATE
	release(e);
#endif
	d_step { e = 0; f = 0 }
}

#if LOCAL
/* rota_task_next_tick() and similar calls, of entry 0: queue_here(). */
inline queue_here()
{
#ifdef LOCAL_CLAIM_BY_STORE
	DRAINED;
	here = !queued[0];
	atomic {
		if
		:: here -> queued[0] = true; ours = true
		:: else
		fi
	};
#else
	atomic {
		DRAINED ->
		if
		:: !queued[0] -> queued[0] = true; ours = true; here = true
		:: else
		fi
	};
#endif
	if
	:: here -> fn[0] = LOCALLY
	:: else
	fi
}

/* call_own(), with rotai_entry_release_own(). */
inline run_here()
{
	assert(fn[0] == LOCALLY);
	atomic {
		DRAINED ->
		here = false;
		buffer = QUEUED_IS_0
	};
progress_here:
	reads(0)
}

/* The part of a cancel for a local queue. */
inline release_here()
{
	atomic {
		DRAINED ->
		here = false;
		ours = false;
		queued[0] = false
	}
}
#endif

/* rotai_queue_remove(), in one step: only the loop uses its own queue. */
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

/* rotai_task_cancel(), and the part of rota_async_stop() for the inbox. */
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
#if LOCAL
	:: here -> assert(!found && !was); release_here()
#endif
	:: found ->
		atomic {
			assert(!((ran | cancelled) & BIT(fn[e])));
			cancelled = cancelled | BIT(fn[e]);
			inq = inq & ~BIT(e)
		};
#ifndef CANCEL_KEEPS_FLAG
		release(e);
#endif
		/* Earlier posters need no callback. */
		reads(e)
	:: else -> assert(!was)
	fi;
	d_step { found = false; was = 0 }
}

#if LOCAL
#define NOT_HERE	(!here)
#else
#define NOT_HERE	true
#endif

/* rota_loop_close(), and is_at_its_end() of a shutdown. */
inline close()
{
	take_over();
#ifdef CLOSE_BY_STORE
	closed = (first == END && NOT_HERE && head == EMPTY);
	if
	:: closed -> head = CLOSED
	:: else
	fi;
#else
	if
#ifndef CLOSE_IGNORES_QUEUE
	:: first != END || !NOT_HERE
#endif
	:: else ->
		/* rotai_inbox_close() */
		atomic {
			DRAINED ->
			if
			:: head == EMPTY -> head = CLOSED; closed = true
			:: else -> slept = (head == ASLEEP)
			fi
		};
		if
		:: !slept
		:: else ->
			atomic {
				if
#ifdef UNSLEEP_AT_CLOSE_BY_STORE
				:: true ->
#else
				:: head == ASLEEP ->
#endif
					head = CLOSED;
					naps--;
					closed = true
#ifndef UNSLEEP_AT_CLOSE_BY_STORE
				:: else
#endif
				fi;
				slept = false
			}
		fi
	fi;
#endif
	if
	:: closed ->
		assert(inq == 0);
#ifdef FREED_AT_CLOSE
		freed = true
#else
		drop()
#endif
	:: else
	fi
}

/* rotai_inbox_fall_asleep() */
inline fall_asleep()
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
#ifdef NOT_TWICE
		:: else -> slept = false
#else
		:: else -> slept = (head == ASLEEP)
#endif
		fi
	};
#endif
#endif
}

/* sleep_or_look().  Sets quiet if nothing more can happen. */
inline sleep()
{
	fall_asleep();
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
	/* rotai_inbox_wake_up() */
#ifndef STAY_ASLEEP
#ifdef UNSLEEP_BY_STORE
	if
	:: head == ASLEEP -> naps--; head = EMPTY
	:: else
	fi;
#else
	atomic {
		if
		:: head == ASLEEP && DRAINED -> head = EMPTY; naps--
		:: head != ASLEEP
		fi
	};
#endif
#endif
#if EMBED == 0 && !defined(NOT_TWICE)
	assert(head != ASLEEP);
#endif
	slept = false
}

inline check()
{
	atomic {
		assert(inq == 0);
		assert((ran & cancelled) == 0);
		assert((ran | cancelled) == taken);
		assert(!IS_ENTRY(head));
		n = 0;
		do
		:: n < NENT ->
			assert(!queued[n]);
#ifdef SHARED
			assert((data[n] & ~excused) == 0);
#endif
			n++
		:: else -> break
		od
	}
}

proctype loop()
{
	byte first = END, newest = END;		/* the own queue */
	byte spurious = SPURIOUS, cancels = CANCEL, closes = CLOSE;
	byte got, last, rev, tmp, n, e, f, was;
	bool found, slept, quiet, closed;
#if LOCAL
	byte locals = LOCAL;
	bool here;			/* entry 0 is in a local queue */
#endif
#if SHUTDOWN
	byte shutdowns = SHUTDOWN;
#endif
#if EMBED
	byte embeds = EMBED;
#endif
#ifdef REPOST
	bool reposted, won;
	byte old, ret;
#endif

	do
	:: closed || quiet -> break
	:: !closed && !quiet ->
		if
		:: first != END -> run_first()
#if LOCAL
		:: here -> run_here()
		:: locals > 0 && !here -> locals--; queue_here()
#endif
		:: cancels > 0 -> cancels--; cancel(0)
		:: closes > 0 -> closes--; close()
#if SHUTDOWN
		/* A shutdown begins, or runs out of time; and it continues. */
		:: shutdowns > 0 -> shutdowns--; refuses = !refuses
		:: refuses && first == END && NOT_HERE -> close()
#endif
#if EMBED
		/* rota_loop_next_timeout() leaves the loop ASLEEP. */
		:: embeds > 0 -> embeds--; fall_asleep(); slept = false
#endif
		:: first == END && NOT_HERE -> sleep(); take_over()
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
#ifdef STORE_BUFFER
		run store_buffer();
#endif
		run loop();
		do
		:: i < NPROD -> run producer(i); i++
		:: else -> break
		od
	}
}
