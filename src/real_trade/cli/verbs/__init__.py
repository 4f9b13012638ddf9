"""One module per verb: ``configure(parser)`` adds its flags, ``run(args, out)`` does the job, returns the exit code."""
