-- POST scale with a token and a body that changes from request to request.
wrk.method = "POST"
wrk.headers["Authorization"] = "bearer admin"
wrk.headers["Content-Type"] = "application/json"
local count = 0
request = function()
  count = count + 1
  return wrk.format(nil, nil, nil, '{"instances": ' .. (count % 3 + 1) .. "}")
end
