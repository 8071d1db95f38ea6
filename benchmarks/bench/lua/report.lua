-- What every script has: the method as the first argument, and one line at the end that the harness reads.
init = function(args)
  wrk.method = args[1]
end

-- How many requests, how long, and how late the answers came, in microseconds.
done = function(summary, latency, _)
  local failed = summary.errors
  print(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d, "max_us": %d, "refused": %d, "broken": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
