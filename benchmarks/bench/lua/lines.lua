-- A request a line of a file: its body, or the value of one header. Arguments: method, file, header name or "body", "once" or "again",
-- and after how many lines to begin, 0 by default.
require "report"
local requests, at, once = {}, 0, false

init = function(args)
  wrk.method = args[1]
  once = args[4] == "once"
  for line in io.lines(args[2]) do
    if args[3] == "body" then
      requests[#requests + 1] = wrk.format(nil, nil, nil, line)
    else
      wrk.headers[args[3]] = line
      requests[#requests + 1] = wrk.format()
    end
  end
  at = tonumber(args[5] or 0)
end

request = function()
  at = at + 1
  if at > #requests then
    if once then wrk.thread:stop() end
    at = 1
  end
  return requests[at]
end
