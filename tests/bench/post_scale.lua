-- POST scale with a token and a body that changes from request to request; over as many foundations as FOUNDATIONS says.
wrk.method = "POST"
wrk.headers["Authorization"] = "bearer admin"
wrk.headers["Content-Type"] = "application/json"
local foundations = tonumber(os.getenv("FOUNDATIONS") or "0")
local count = 0
request = function()
  count = count + 1
  local path = wrk.path
  if foundations > 0 then
    path = "/foundations/f" .. (count % foundations) .. path
  end
  return wrk.format(nil, path, nil, '{"instances": ' .. (count % 3 + 1) .. "}")
end
