// What a C++ program uses of the headers besides plain functions: macros,
// inline functions, structs with a size, and callbacks that are lambdas. The
// rule cplusplus compiles it; nothing runs it.
#include <rota.h>

#include <memory>
#include <type_traits>

namespace {

// In a type with standard layout, rota_container_of() finds the outer object.
struct session {
	int count = 0;
	rota_timer idle;
	rota_tcp tcp;
};

static_assert(std::is_standard_layout<session>::value, "");

session *session_of(rota_timer *timer)
{
	return rota_container_of(timer, session, idle);
}

const session *session_of(const rota_handle *handle)
{
	return rota_container_of(handle, const session, tcp.handle);
}

// A class like this one has no standard layout: its callback finds it by data.
class ticker {
public:
	explicit ticker(rota_loop *loop)
	{
		rota_timer_init(&timer_, loop);
		timer_.data = this;
	}
	virtual ~ticker()
	{
		rota_timer_stop(&timer_);
	}
	ticker(const ticker &) = delete;
	ticker &operator=(const ticker &) = delete;

	int start()
	{
		return rota_timer_every(&timer_, on_timer, ROTA_MSEC(1.5),
					ROTA_REPEAT_RATE);
	}

protected:
	virtual void tick() = 0;

private:
	static void on_timer(rota_timer *timer)
	{
		static_cast<ticker *>(timer->data)->tick();
	}

	rota_timer timer_;
};

class counter : public ticker {
public:
	using ticker::ticker;
	unsigned count = 0;

private:
	void tick() override
	{
		count++;
	}
};

bool figures(rota_loop *loop, rota_pool *pool)
{
	rota_stats stats{};
	rota_lane_stats lane{};
	rota_file_info info{};
	rota_tracer tracer{};

	stats.size = sizeof(stats);
	lane.size = sizeof(lane);
	info.size = sizeof(info);
	tracer.size = sizeof(tracer);
	tracer.phase_begin = [](rota_tracer *, rota_phase) {};
	return rota_loop_stats(loop, &stats) == ROTA_EINVAL ||
	       rota_pool_stats(pool, ROTA_LANE_IO, &lane) == ROTA_ESTALE ||
	       rota_loop_trace(loop, &tracer) == ROTA_ENODATA ||
	       info.bytes > ROTA_BUFFER_SIZE;
}

} // namespace

int main()
{
	static_assert(ROTA_SEC(1) == ROTA_USEC(1000000), "");
	static_assert(std::is_same<decltype(ROTA_VERSION), uint32_t>::value ||
			      sizeof(ROTA_VERSION) == sizeof(uint32_t),
		      "");
	rota_loop_options options;
	rota_pool_options lanes;
	rota_loop *loop = nullptr;
	rota_pool *pool = nullptr;
	session one;

	rota_loop_options_init(&options);
	rota_pool_options_init(&lanes);
	if (rota_pool_new(&pool, &lanes) < 0)
		return 1;
	options.pool = pool;
	if (rota_loop_new(&loop, &options) < 0)
		return 1;
	counter ticks(loop);
	rota_timer_init(&one.idle, loop);
	one.idle.data = std::addressof(one);
	(void)rota_timer_start(
		&one.idle,
		[](rota_timer *timer) { session_of(timer)->count++; },
		ROTA_SEC(2));
	(void)ticks.start();
	return figures(loop, pool) || session_of(&one.tcp.handle)->count > 0 ||
	       ticks.count > 0;
}
