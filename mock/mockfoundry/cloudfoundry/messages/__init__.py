"""Messages: requests as the Cloud Controller reads them, and what it says of those it does not take. Changes nothing.

It is laxer than the contract in places and stricter in others, so each message is read by rules of its own.
"""
