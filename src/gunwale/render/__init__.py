"""The deployment's files, written from the plan and kept in step with it."""
