/*
 * A model of how jobs reach the threads of a lane, for the model checker spin:
 * src/pool/stack.c, lane.c and thread.c. `run' in this directory lets spin try
 * every interleaving of a few small configurations, and demands that each of
 * the mutants below be found.
 *
 * The algorithm
 *
 * A loop pushes items on a stack, `arrived'.  One atomic word is its state:
 *
 *	NOTHING		it is empty, and some thread is going to look at it;
 *	UNWATCHED	it is empty, and no thread is going to look;
 *	else		the newest item; next leads to the one below.
 *
 * A push that finds UNWATCHED replaces it, takes the lane's lock and calls a
 * thread.  All other pushes take no lock.  The threads move what has arrived to
 * a queue, and from there to slots of their own, with the lock held.  Without
 * the lock a thread claims each item in a slot just before it runs it, by an
 * exchange.  With the lock held, a thread that found the queue empty steals
 * from the slots of another by the same exchange, and a loop takes an item back
 * by compare-and-swap.
 *
 * Before a thread releases the lock, it marks `arrived' as unwatched by
 * compare-and-swap, unless a thread is expected to look: one that is on its way
 * (waking), one that polls, or one that is giving back its last item
 * (returning); or no thread could be called, because all that may exist are
 * busy.  If the compare-and-swap fails, something has arrived, and it calls a
 * thread itself.  At most one thread is on its way.
 *
 * What is checked
 *
 *   -	Every item is run once, or taken back once, and not both.
 *   -	Nothing is forgotten: if items are left, some thread is not asleep
 *	(otherwise spin finds an invalid end state).
 *   -	With STUCK=n, item n runs until all other items are done.  So no item
 *	waits behind one that is stuck while another thread sleeps or may be
 *	started.
 *   -	At most one thread is on its way.
 *   -	A slot that is filled is empty; what is taken back is where it is looked
 *	for.
 *
 * spin assumes sequential consistency.  The memory orders are tested under the
 * thread sanitizer (tests/pool).  Not modelled: forks, the end of a pool,
 * threads that cannot be started, items with a priority, which are put into the
 * queue with the lock held, and the way back to the loop, which is a push to a
 * stack of the same kind and a send (inbox.pml).
 *
 * Configurations, each a -D flag: WORKERS, ITEMS, SLOTS are numbers.  STUCK as
 * above.  CANCEL: the loop then tries to take back the last item.  POLL: threads
 * poll before they sleep.  LEAVE=n: threads that sleep end, n times.  LIMIT: a
 * further thread lowers the limit to 1, and raises it again.
 *
 * The mutants are -D flags, too: see where each name is used.
 */

#ifndef WORKERS
#define WORKERS		2
#endif
#ifndef ITEMS
#define ITEMS		4
#endif
#ifndef SLOTS
#define SLOTS		2
#endif
#ifndef LEAVE
#define LEAVE		0
#endif
/* A thread that is dismissed may still exist while another one is started. */
#ifdef LIMIT
#define THREADS		(2 * WORKERS - 1)
#else
#define THREADS		WORKERS
#endif

/* Items are 0 to ITEMS - 1; the other values of newest, next and slots: */
#define NOTHING		101
#define UNWATCHED	102
#define IS_ITEM(x)	((x) < ITEMS)
#define SLOT(w, i)	slots[(w) * SLOTS + (i)]

/* Of `polling'. */
#define NOT		0
#define POLLING		1
#define CALLED		2

byte newest = UNWATCHED;		/* the stack */
byte next[ITEMS] = NOTHING;
bool locked;

/* Guarded by the lock. */
chan queue = [ITEMS] of { byte };
byte where[ITEMS] = NOTHING;		/* the slot of an item: item->slot */
byte taken[THREADS];
byte count;				/* threads */
byte max = WORKERS;
bool waking;
bool idle[THREADS];
byte idlers;
bool present[THREADS];			/* in the lane's list of workers */

/* Atomic. */
byte slots[THREADS * SLOTS] = NOTHING;
byte returning;
byte polling = NOT;

/* How threads are called. */
bool started[THREADS];			/* a thread is being made */
bool woken[THREADS];
bool dismissed[THREADS];
byte leaves = LEAVE;

/* For the checks. */
bool done[ITEMS];			/* run, or taken back */
byte ends;				/* items that are done */

inline take_lock()
{
	atomic { !locked -> locked = true }
}

inline ends_now(x)
{
	atomic {
		assert(!done[x]);
		done[x] = true;
		ends++
	}
}

/* rotai_stack_push(): old is what was there. */
inline push(x)
{
	do
	:: 1 ->
		atomic {
			old = newest;
			next[x] = (old == UNWATCHED -> NOTHING : old)
		};
#ifdef PUSH_BY_STORE
		newest = x;
		break
#else
		atomic {
			if
			:: newest == old -> newest = x; break
			:: else
			fi
		}
#endif
	od
}

/* rotai_lane_take_in(), with the lock held: the oldest first. */
inline take_in()
{
	if
	:: IS_ITEM(newest) ->
#ifdef TAKE_BY_STORE
		at = newest;
		newest = NOTHING;
#else
		atomic { at = newest; newest = NOTHING };
#endif
		atomic {
			low = NOTHING;
			do
			:: IS_ITEM(at) ->
				tmp = next[at];
				next[at] = low;
				low = at;
				at = tmp
			:: else -> break
			od;
			do
			:: IS_ITEM(low) -> queue!low; low = next[low]
			:: else -> break
			od;
			at = 0; low = 0; tmp = 0
		}
	:: else
	fi
}

#define EXPECTING	(waking || polling != NOT || returning > 0)

/* rotai_stack_leave(): yes, or something has arrived. */
inline leave_stack()
{
#ifdef LEAVE_BY_STORE
	yes = !IS_ITEM(newest);
	if
	:: yes -> newest = UNWATCHED
	:: else
	fi
#else
	atomic {
		yes = !IS_ITEM(newest);
		if
		:: yes -> newest = UNWATCHED
		:: else
		fi
	}
#endif
}

/* rotai_stack_watch(). */
inline watch_stack()
{
	atomic {
		if
		:: newest == UNWATCHED -> newest = NOTHING
		:: else
		fi
	}
}

/* choose(): whom is the thread to wake, or to start if starts. */
inline choose()
{
	atomic {
		if
		:: waking || (returning > 0 && len(queue) <= returning)
		:: else ->
			if
			:: polling == POLLING -> polling = CALLED; waking = true
			:: polling != POLLING && idlers > 0 ->
				i = 0;
				do
				:: idle[i] -> break
				:: else -> i++
				od;
				idle[i] = false;
				idlers--;
				assert(!waking);
				waking = true;
				whom = i
			:: polling != POLLING && idlers == 0 && count < max ->
				count++;
				assert(!waking);
				waking = true;
				starts = true
			:: else
			fi
		fi;
		i = 0
	}
}

/* rotai_lane_unlock(). */
inline unlock(call)
{
	whom = NOTHING;
	starts = false;
	if
	:: call -> choose()
	:: else
	fi;
#ifndef NEVER_UNWATCHED
	do
	:: !EXPECTING && (count < max || idlers > 0) ->
		leave_stack();
		if
		:: yes -> break
		:: else -> take_in(); choose()
		fi
	:: else -> break
	od;
#endif
	locked = false;
	atomic {
		if
		:: whom != NOTHING -> woken[whom] = true
		:: else
		fi;
		if
		:: starts ->
			i = 0;
			do
			:: !started[i] && !present[i] -> break
			:: else -> i++
			od;
			started[i] = true;
			i = 0
		:: else
		fi;
		whom = NOTHING; starts = false; yes = false
	}
}

/* With the lock held: put back what worker v has taken and not begun. */
inline put_back(v)
{
	j = 0;
	do
	:: present[v] && taken[v] > 1 && j < taken[v] ->
		atomic {
			if
			:: IS_ITEM(SLOT(v, j)) ->
				where[SLOT(v, j)] = NOTHING;
				queue!SLOT(v, j);
				SLOT(v, j) = NOTHING
			:: else
			fi;
			j++
		}
	:: else -> break
	od;
	j = 0
}

/* rotai_slot_claim(): item, or NOTHING. */
inline claim(v, k)
{
#ifdef CLAIM_BY_STORE
	item = SLOT(v, k);
	SLOT(v, k) = NOTHING
#else
	atomic { item = SLOT(v, k); SLOT(v, k) = NOTHING }
#endif
}

inline hold(x)
{
	atomic {
		assert(SLOT(me, n) == NOTHING);
		where[x] = me * SLOTS + n;
		SLOT(me, n) = x;
		n++
	}
}

/* take_jobs() and steal_jobs(): n items. */
inline take_share()
{
	n = 0;
	stolen = false;
	share = len(queue) / max;
	share = (share < 1 -> 1 : (share > SLOTS -> SLOTS : share));
	do
	:: n < share && len(queue) > 0 ->
		atomic { queue?item; hold(item) }
	:: else -> break
	od;
#ifndef NO_STEAL
	if
	:: n == 0 ->
		stolen = true;
		taken[me] = 0;
		v = 0;
		do
		:: v < THREADS && n == 0 ->
			k = 0;
			do
			:: present[v] && taken[v] > 1 && k < taken[v] &&
			   n == 0 ->
				claim(v, k);
				if
				:: IS_ITEM(item) -> hold(item)
				:: else
				fi;
				k++
			:: else -> break
			od;
			v++
		:: else -> break
		od;
		v = 0; k = 0
	:: else
	fi;
#endif
	item = 0; share = 0
}

proctype worker(byte me)
{
	byte old, at, low, tmp, whom = NOTHING, i, j, n, share, item, v, k;
	bool yes, starts, stolen, mine;

unborn:
end_unborn:
	started[me];
	take_lock();
	atomic { started[me] = false; present[me] = true };
#ifndef WAKING_KEPT
	waking = false;
#endif
look:
	take_in();
	take_share();
	if
	:: n == 0 -> goto rest
	:: else
	fi;
	taken[me] = n;
#ifdef NO_MORE
	unlock(false);
#else
	unlock(len(queue) > 0 || n > 1 || stolen);
#endif
	k = 0;
	mine = false;
	do
	:: k < n ->
		claim(me, k);
		if
		:: IS_ITEM(item) ->
			assert(!done[item]);
#ifdef STUCK
			if
			:: item == STUCK -> ends == ITEMS - 1
			:: else
			fi;
#endif
			if
			:: k + 1 == n ->
				returning++;
				mine = true;
				watch_stack()
			:: else
			fi;
			ends_now(item)
		:: else
		fi;
		k++
	:: else -> break
	od;
	k = 0; item = 0;
	take_lock();
#ifndef STILL_RETURNING
	if
	:: mine -> returning--
	:: else
	fi;
#endif
	mine = false;
	if
	:: count > max -> goto gone
	:: else -> goto look
	fi;
rest:
	n = 0; stolen = false;
#ifdef POLL
	if
	:: !EXPECTING ->
		polling = POLLING;
		watch_stack();
		locked = false;
		if
		:: IS_ITEM(newest) || polling == CALLED
		:: true				/* for long enough */
		fi;
		take_lock();
		mine = (polling == CALLED);
#ifndef CALLED_KEPT
		if
		:: mine -> waking = false
		:: else
		fi;
#endif
		polling = NOT;
		if
		:: mine || IS_ITEM(newest) || len(queue) > 0 ->
			mine = false;
			goto look
		:: else
		fi
	:: else
	fi;
#endif
	if
	:: !EXPECTING ->
#ifndef SLEEP_WATCHED
		leave_stack();
#else
		yes = true;
#endif
		if
		:: !yes -> goto look
		:: else -> yes = false
		fi
	:: else
	fi;
	atomic {
		woken[me] = false;
		idle[me] = true;
		idlers++;
		locked = false
	};
end_asleep:
	if
	:: atomic { woken[me] && !locked -> locked = true; woken[me] = false };
		if
		:: dismissed[me] -> goto gone
		:: else -> waking = false; goto look
		fi
#if LEAVE > 0
	:: atomic { leaves > 0 && !woken[me] && idle[me] && !locked ->
		locked = true; leaves--; idle[me] = false; idlers-- };
		goto gone
#endif
	fi;
gone:
	if
	:: dismissed[me] -> dismissed[me] = false
	:: else -> count--
	fi;
	present[me] = false;
	taken[me] = 0;
	n = 0;
	take_in();
	unlock(len(queue) > 0);
	goto unborn
}

proctype loop()
{
	byte old, at, low, tmp, whom = NOTHING, i, x, s;
	bool yes, starts;

	do
	:: x < ITEMS ->
		push(x);
		if
		:: old == UNWATCHED ->
#ifndef NO_CALL
			take_lock();
			take_in();
			unlock(len(queue) > 0)
#else
			skip
#endif
		:: else
		fi;
		x++
	:: else -> break
	od;
#ifdef CANCEL
	/* rotai_lane_take_back(), of the last item. */
	x = ITEMS - 1;
	take_lock();
	s = where[x];
	if
#ifndef CANCEL_OVERLOOKS_SLOTS
	:: s != NOTHING ->
#ifdef CANCEL_BY_STORE
		yes = (slots[s] == x);
		if
		:: yes -> slots[s] = NOTHING; ends_now(x)
		:: else
		fi;
#else
		atomic {
			if
			:: slots[s] == x -> slots[s] = NOTHING; yes = true
			:: else
			fi
		};
		if
		:: yes -> ends_now(x)
		:: else
		fi;
#endif
		yes = false
#endif
	:: else ->
#ifndef CANCEL_LOOKS_FIRST
		take_in();
#endif
		assert(queue??[eval(x)]);
		queue??eval(x);
		ends_now(x)
	fi;
	unlock(false);
#endif
	ends == ITEMS
}

#ifdef LIMIT
/* rotai_lane_set_limits(). */
proctype limiter()
{
	byte at, low, tmp, whom = NOTHING, i, j, v, to = 1;
	bool yes, starts;

	do
	:: to > 0 ->
		take_lock();
		max = to;
		do
		:: count > max && idlers > 0 ->
			atomic {
				i = 0;
				do
				:: idle[i] -> break
				:: else -> i++
				od;
				idle[i] = false;
				idlers--;
				count--;
				dismissed[i] = true;
				woken[i] = true;
				i = 0
			}
		:: else -> break
		od;
		take_in();
#ifndef LIMIT_WITHOUT_PUT_BACK
		v = 0;
		do
		:: v < THREADS -> put_back(v); v++
		:: else -> break
		od;
		v = 0;
#endif
		unlock(len(queue) > 0);
		to = (to == 1 && WORKERS > 1 -> WORKERS : 0)
	:: else -> break
	od
}
#endif

init
{
	byte w;

	atomic {
		do
		:: w < THREADS -> run worker(w); w++
		:: else -> break
		od;
		run loop();
#ifdef LIMIT
		run limiter()
#endif
	}
}
