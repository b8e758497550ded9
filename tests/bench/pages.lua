-- SPDX-License-Identifier: MIT
-- For wrk: ask for pages that nobody has asked for, numbered from the argument on.

local page = 0

function init(arguments)
	page = tonumber(arguments[1])
end

function request()
	page = page + 1
	return wrk.format(nil, string.format("/page-%.0f", page))
end
