//! Which URL next: the sieve, site queues, the site table and budgets.
