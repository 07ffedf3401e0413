"""The platform's operations: one table of what each does, by one plain function each. Never knows HTTP."""

from collections.abc import Callable, Mapping
from typing import Any

from mockfoundry.cloudfoundry.api.access import find_managed_app, find_writable_app
from mockfoundry.cloudfoundry.api.app_parts.droplets import (
    assign_current_droplet,
    get_current_droplet,
    get_droplet,
    list_all_droplets,
    list_app_droplets,
    list_package_droplets,
)
from mockfoundry.cloudfoundry.api.app_parts.packages import (
    get_build,
    get_package,
    list_all_builds,
    list_all_packages,
    list_app_builds,
    list_app_packages,
)
from mockfoundry.cloudfoundry.api.app_parts.revisions import (
    get_revision,
    get_revision_variables,
    list_app_revisions,
    list_deployed_revisions,
)
from mockfoundry.cloudfoundry.api.app_parts.routes import (
    get_default_domain,
    get_domain,
    get_route,
    get_route_destinations,
    list_app_routes,
    list_organization_domains,
    list_readable_domains,
    list_routes,
    list_service_route_bindings,
)
from mockfoundry.cloudfoundry.api.app_parts.task_messages import read_create_task_message
from mockfoundry.cloudfoundry.api.app_parts.task_running import cancel_task, create_task, find_managed_task
from mockfoundry.cloudfoundry.api.app_parts.tasks import get_task, list_all_tasks, list_app_tasks
from mockfoundry.cloudfoundry.api.apps.actions import (
    clear_app_buildpack_cache,
    delete_app,
    restart_app,
    start_app,
    stop_app,
)
from mockfoundry.cloudfoundry.api.apps.environment import (
    get_app_env,
    get_app_environment_variables,
    get_current_droplet_relationship,
    update_app_environment_variables,
)
from mockfoundry.cloudfoundry.api.apps.features import (
    find_changeable_feature,
    get_app_feature,
    get_app_permissions,
    get_app_ssh_enabled,
    list_app_features,
    update_app_feature,
)
from mockfoundry.cloudfoundry.api.apps.manifest import get_app_manifest, refuse_push
from mockfoundry.cloudfoundry.api.apps.messages import read_create_app_message, read_update_app_message
from mockfoundry.cloudfoundry.api.apps.reading import get_app, list_apps
from mockfoundry.cloudfoundry.api.apps.sidecars import (
    create_sidecar,
    delete_sidecar,
    find_writable_sidecar,
    get_sidecar,
    list_sidecars_for_app,
    list_sidecars_for_process,
    update_sidecar,
)
from mockfoundry.cloudfoundry.api.apps.writing import create_app, update_app
from mockfoundry.cloudfoundry.api.deployments.creating import create_deployment
from mockfoundry.cloudfoundry.api.deployments.deployments import (
    cancel_deployment_of_app,
    continue_paused_deployment,
    find_manageable_deployment,
    find_writable_deployment,
    get_deployment,
    list_deployments,
    update_deployment,
)
from mockfoundry.cloudfoundry.api.operations import Lookup, Operation
from mockfoundry.cloudfoundry.api.organizations.isolation_segments import get_isolation_segment, list_isolation_segments
from mockfoundry.cloudfoundry.api.organizations.organizations import (
    get_default_isolation_segment,
    get_organization,
    list_organizations,
    list_segment_organizations,
)
from mockfoundry.cloudfoundry.api.organizations.quotas import (
    find_writable_organization_quota,
    find_writable_space_quota,
    get_organization_quota,
    get_space_quota,
    list_organization_quotas,
    list_space_quotas,
    update_organization_quota,
    update_space_quota,
)
from mockfoundry.cloudfoundry.api.organizations.roles import get_role, list_roles
from mockfoundry.cloudfoundry.api.organizations.security_groups import (
    list_running_security_groups,
    list_staging_security_groups,
)
from mockfoundry.cloudfoundry.api.organizations.services import (
    get_service_instance,
    get_service_offering,
    get_service_plan,
    list_service_instances,
)
from mockfoundry.cloudfoundry.api.organizations.spaces import (
    get_space,
    get_space_feature,
    get_space_isolation_segment,
    list_space_features,
    list_spaces,
)
from mockfoundry.cloudfoundry.api.organizations.usage import get_organization_usage_summary, get_usage_summary
from mockfoundry.cloudfoundry.api.organizations.users import get_user, list_users
from mockfoundry.cloudfoundry.api.platform.audit_events import get_audit_event, list_audit_events
from mockfoundry.cloudfoundry.api.platform.feature_flags import (
    find_writable_flag,
    get_feature_flag,
    list_feature_flags,
    update_feature_flag,
)
from mockfoundry.cloudfoundry.api.platform.jobs import get_job
from mockfoundry.cloudfoundry.api.platform.root import get_info, get_root, get_v2_info, get_v3_root
from mockfoundry.cloudfoundry.api.platform.stacks import get_buildpack, get_stack, list_buildpacks, list_stacks
from mockfoundry.cloudfoundry.api.request import ApiRequest

PLATFORM_OPERATIONS: Mapping[str, Operation] = {
    # The way in
    "getRoot": get_root,
    "getV3Root": get_v3_root,
    "getInfo": get_info,
    "getV2Info": get_v2_info,
    # The same on every platform
    "listStacks": list_stacks,
    "getStack": get_stack,
    "listBuildpacks": list_buildpacks,
    "getBuildpack": get_buildpack,
    # Answered, but not modelled
    "applyManifest": refuse_push,
    "diffManifest": refuse_push,
    "createPackage": refuse_push,
    "createBuild": refuse_push,
    # Deployments and audit events
    "createDeployment": create_deployment,
    "listDeployments": list_deployments,
    "getDeployment": get_deployment,
    "updateDeployment": update_deployment,
    "cancelDeployment": cancel_deployment_of_app,
    "continueDeployment": continue_paused_deployment,
    "listAuditEvents": list_audit_events,
    "getAuditEvent": get_audit_event,
    # Organizations and spaces
    "listOrganizations": list_organizations,
    "getOrganization": get_organization,
    "listOrganizationDomains": list_organization_domains,
    "getDefaultDomain": get_default_domain,
    "getOrganizationUsageSummary": get_organization_usage_summary,
    "getDefaultIsolationSegment": get_default_isolation_segment,
    "listSpaces": list_spaces,
    "getSpace": get_space,
    "listSpaceFeatures": list_space_features,
    "getSpaceFeature": get_space_feature,
    "getSpaceIsolationSegment": get_space_isolation_segment,
    "listRunningSecurityGroups": list_running_security_groups,
    "listStagingSecurityGroups": list_staging_security_groups,
    "getUsageSummary": get_usage_summary,
    # Quotas, feature flags, isolation segments
    "listOrganizationQuotas": list_organization_quotas,
    "getOrganizationQuota": get_organization_quota,
    "updateOrganizationQuota": update_organization_quota,
    "listSpaceQuotas": list_space_quotas,
    "getSpaceQuota": get_space_quota,
    "updateSpaceQuota": update_space_quota,
    "listFeatureFlags": list_feature_flags,
    "getFeatureFlag": get_feature_flag,
    "updateFeatureFlag": update_feature_flag,
    "listIsolationSegments": list_isolation_segments,
    "getIsolationSegment": get_isolation_segment,
    "listIsolationSegmentOrganizations": list_segment_organizations,
    # Users and roles
    "listUsers": list_users,
    "getUser": get_user,
    "listRoles": list_roles,
    "getRole": get_role,
    # Services
    "listServiceInstances": list_service_instances,
    "getServiceInstance": get_service_instance,
    "getServicePlan": get_service_plan,
    "getServiceOffering": get_service_offering,
    # Apps
    "listApps": list_apps,
    "createApp": create_app,
    "getApp": get_app,
    "getAppManifest": get_app_manifest,
    "updateApp": update_app,
    "deleteApp": delete_app,
    "startApp": start_app,
    "stopApp": stop_app,
    "restartApp": restart_app,
    "clearAppBuildpackCache": clear_app_buildpack_cache,
    "getAppEnv": get_app_env,
    "getAppEnvironmentVariables": get_app_environment_variables,
    "updateAppEnvironmentVariables": update_app_environment_variables,
    "getAppPermissions": get_app_permissions,
    "getAppSshEnabled": get_app_ssh_enabled,
    "listAppFeatures": list_app_features,
    "getAppFeature": get_app_feature,
    "updateAppFeature": update_app_feature,
    "getCurrentDropletRelationship": get_current_droplet_relationship,
    "getJob": get_job,
    # Sidecars
    "listSidecarsForApp": list_sidecars_for_app,
    "listSidecarsForProcess": list_sidecars_for_process,
    "createSidecar": create_sidecar,
    "getSidecar": get_sidecar,
    "updateSidecar": update_sidecar,
    "deleteSidecar": delete_sidecar,
    # What belongs to an app
    "listRoutes": list_routes,
    "getRoute": get_route,
    "listRouteDestinations": get_route_destinations,
    "listRoutesForApp": list_app_routes,
    "listServiceRouteBindings": list_service_route_bindings,
    "listDomains": list_readable_domains,
    "getDomain": get_domain,
    "listDroplets": list_all_droplets,
    "getDroplet": get_droplet,
    "listDropletsForApp": list_app_droplets,
    "getCurrentDroplet": get_current_droplet,
    "assignCurrentDroplet": assign_current_droplet,
    "listPackages": list_all_packages,
    "getPackage": get_package,
    "listDropletsForPackage": list_package_droplets,
    "listPackagesForApp": list_app_packages,
    "listBuilds": list_all_builds,
    "getBuild": get_build,
    "listBuildsForApp": list_app_builds,
    "listRevisionsForApp": list_app_revisions,
    "listDeployedRevisionsForApp": list_deployed_revisions,
    "getRevision": get_revision,
    "getRevisionEnvironmentVariables": get_revision_variables,
    "listTasks": list_all_tasks,
    "getTask": get_task,
    "listTasksForApp": list_app_tasks,
    "createTaskForApp": create_task,
    "cancelTask": cancel_task,
    "cancelTaskByPut": cancel_task,
}
"""By operationId: only in the platform's contract, since many an API has a `listUsers`."""

PLATFORM_LOOKUPS: Mapping[str, Lookup] = {
    "updateDeployment": find_writable_deployment,
    "cancelDeployment": find_manageable_deployment,
    "continueDeployment": find_manageable_deployment,
    "updateOrganizationQuota": find_writable_organization_quota,
    "updateSpaceQuota": find_writable_space_quota,
    "updateFeatureFlag": find_writable_flag,
    "updateApp": find_writable_app,
    "deleteApp": find_writable_app,
    "startApp": find_managed_app,
    "stopApp": find_managed_app,
    "restartApp": find_managed_app,
    "clearAppBuildpackCache": find_managed_app,
    "updateAppEnvironmentVariables": find_managed_app,
    "updateAppFeature": find_changeable_feature,
    "createSidecar": find_writable_app,
    "updateSidecar": find_writable_sidecar,
    "deleteSidecar": find_writable_sidecar,
    "assignCurrentDroplet": find_managed_app,
    "createTaskForApp": find_writable_app,
    "cancelTask": find_managed_task,
    "cancelTaskByPut": find_managed_task,
}
"""What an operation that writes looks for before it does anything, as in LOOKUPS."""

PLATFORM_MESSAGES: Mapping[str, Callable[[ApiRequest], Any]] = {
    "createApp": read_create_app_message,
    "updateApp": read_update_app_message,
    "createTaskForApp": read_create_task_message,
}
"""What reads the body of an operation, where that may be large."""
