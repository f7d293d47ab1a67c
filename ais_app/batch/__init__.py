"""A durable queue of operations: a file that survives closing, kill -9 and reboot, and workers that empty it.

plan_exports(...) ──► [Task, ...] ──► Queue.add_all ──► P.aisqueue ◄── work_job, in as many processes as wanted
                                                           └──► write_report
"""
