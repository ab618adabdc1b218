"""Which runs a run goes on with."""

import dagster as dg


def runs_to_resume(context: dg.AssetExecutionContext) -> list[str]:
    """This run and those before it that it repeats because they did not come to their end.

    Whoever executes a run again that succeeded wants all of it to be done again.
    """
    found = [context.run.run_id]
    parent_id = context.run.parent_run_id
    while parent_id is not None:
        parent = context.instance.get_run_by_id(parent_id)
        if parent is None or parent.is_success:
            break
        found.append(parent.run_id)
        parent_id = parent.parent_run_id
    return found
