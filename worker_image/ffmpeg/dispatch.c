/* One name for two builds of a function (GNU ifunc): which of them it means is settled once, when the program starts. */
#define DISPATCH(function) \
	void v2_##function(void), v3_##function(void); \
	static void (*choose_##function(void))(void) \
	{ \
		__builtin_cpu_init(); \
		return __builtin_cpu_supports("x86-64-v3") ? v3_##function : v2_##function; \
	} \
	void function(void) __attribute__((ifunc("choose_" #function)));

