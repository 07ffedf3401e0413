"""UAA: log-ins, its tokens and documents, its own form of requests, answers and errors. Never knows a process."""
