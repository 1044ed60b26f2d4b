from .cluster import cores_here, deaths_untold, has_dead_process, is_child_of_node, registered_env
from .population import BanditScheduler, PopulationScheduler
from .rllib import custom_connectors, without_source_lookup
from .schedulers import assign_bracket, keep_idle_actors, rungs_per_bracket

__all__ = [
    "BanditScheduler",
    "PopulationScheduler",
    "assign_bracket",
    "cores_here",
    "custom_connectors",
    "deaths_untold",
    "has_dead_process",
    "is_child_of_node",
    "keep_idle_actors",
    "registered_env",
    "rungs_per_bracket",
    "without_source_lookup",
]
