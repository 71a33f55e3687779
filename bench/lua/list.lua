-- GET the address that wrk is given, as a person.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

wrk.headers["Authorization"] = "Token " .. os.getenv("BENCH_TOKENS")
