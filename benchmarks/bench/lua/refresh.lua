-- Refresh tokens that change with every answer: each answer's token goes to the end of a queue.
-- Arguments: method, file of the first tokens, the token's name in the JSON that is sent, and in the answer.
require "report"
local queue, head, sent, pattern = {}, 1, "", ""

init = function(args)
  wrk.method = args[1]
  for line in io.lines(args[2]) do queue[#queue + 1] = line end
  sent = '{"' .. args[3] .. '":"%s"}'
  pattern = '"' .. args[4] .. '"%s*:%s*"([^"]+)"'
end

request = function()
  local token = queue[head]
  head = head + 1
  return wrk.format(nil, nil, nil, string.format(sent, token or "none"))
end

response = function(status, _, body)
  local token = status == 200 and body:match(pattern)
  if token then queue[#queue + 1] = token end
end
