"""Holds rendered manifests and secrets (standard input) against Kubernetes's schema, asks of every pod what it must not be able to do, and
of every secret that is named whether it is there.

usage: manifests.py SCHEMA WORKER...
"""

import json
import sys

import jsonschema
import yaml

WORKERS = set(sys.argv[2:])


def without_nulls(value):
    """To the API server, null is absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def kinds(documents, kind):
    return [document for document in documents if document["kind"] == kind]


def problems_of(document, schema):
    name = f"{document.get('kind')} {document.get('metadata', {}).get('name')}"
    definitions = schema["definitions"]
    for one in schema["oneOf"]:
        properties = one["properties"]
        if properties["kind"]["const"] == document.get("kind") and properties["apiVersion"]["const"] == document.get("apiVersion"):
            validator = jsonschema.Draft7Validator({**one["allOf"][0], "definitions": definitions})
            for error in validator.iter_errors(document):
                yield f"{name}: {'/'.join(map(str, error.path))}: {error.message[:200]}"
            return
    yield f"{name}: {document.get('apiVersion')} has no such kind"


def pod_problems(document):
    pod = document["spec"]["template"]["spec"]
    name = document["metadata"]["name"]
    if not pod["securityContext"].get("runAsNonRoot") or pod.get("automountServiceAccountToken") is not False:
        yield f"{name}: may be root, or speak to the cluster"
    for container in pod["containers"] + pod.get("initContainers", []):
        may = container["securityContext"]
        if may.get("allowPrivilegeEscalation") or not may.get("readOnlyRootFilesystem") or may["capabilities"]["drop"] != ["ALL"]:
            yield f"{name}: {container['name']} may more than it needs"


def secret_problems(documents):
    there = {d["metadata"]["name"]: set(d["data"]) for d in kinds(documents, "Secret")}
    named = {}
    for document in kinds(documents, "Deployment") + kinds(documents, "Job"):
        for volume in document["spec"]["template"]["spec"]["volumes"]:
            secret = volume.get("secret", {"optional": True})
            if not secret.get("optional"):
                named[secret["secretName"]] = document["metadata"]["name"]
    for document in kinds(documents, "TriggerAuthentication"):
        for target in document["spec"]["secretTargetRef"]:
            named[target["name"]] = document["metadata"]["name"]
            if target["key"] not in there.get(target["name"], set()):
                yield f"secret {target['name']} has no {target['key']}"
    for name, whose in named.items():
        if name not in there:
            yield f"{whose}: there is no secret {name}"
    for worker in WORKERS:
        if there.get(worker) != {"amqp", "database"} or f"{worker}.password" not in there.get("passwords", set()):
            yield f"{worker}: not all of its secrets are there"


def settings_problems(documents):
    there = {document["metadata"]["name"] for document in kinds(documents, "ConfigMap")}
    for document in kinds(documents, "Deployment") + kinds(documents, "Job"):
        pod = document["spec"]["template"]["spec"]
        for container in pod["containers"] + pod.get("initContainers", []):
            for source in container.get("envFrom", []):
                if source["configMapRef"]["name"] not in there:
                    yield f"{document['metadata']['name']}: there is no settings {source['configMapRef']['name']}"


def fleet_problems(documents):
    deployments = {d["spec"]["template"]["spec"]["containers"][0]["args"][1]: d for d in kinds(documents, "Deployment")}
    if set(deployments) != WORKERS:
        yield f"deployments are of {sorted(deployments)}, not of {sorted(WORKERS)}"
    named = {d["metadata"]["name"] for d in deployments.values()}
    for kind, who in [("ScaledObject", lambda d: d["spec"]["scaleTargetRef"]["name"]), ("PodDisruptionBudget", lambda d: d["metadata"]["name"])]:
        if sorted(map(who, kinds(documents, kind))) != sorted(named):
            yield f"{kind}: not one for each worker"
    for worker, deployment in deployments.items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        if deployment["spec"]["selector"]["matchLabels"] != labels or labels["app.kubernetes.io/name"] != worker:
            yield f"{worker}: its deployment takes other workers' pods for its own"
        budget = next(d for d in kinds(documents, "PodDisruptionBudget") if d["metadata"]["name"] == deployment["metadata"]["name"])
        if budget["spec"]["selector"]["matchLabels"] != labels:
            yield f"{worker}: its budget is of other pods"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    documents = [without_nulls(document) for document in yaml.safe_load_all(sys.stdin) if document]
    problems = [problem for document in documents for problem in problems_of(document, schema)]
    for document in kinds(documents, "Deployment") + kinds(documents, "Job"):
        problems.extend(pod_problems(document))
    problems.extend(secret_problems(documents))
    problems.extend(settings_problems(documents))
    problems.extend(fleet_problems(documents))
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(documents)} manifests, {len(problems)} problems")
    return 1 if problems or len(documents) < len(WORKERS) else 0


if __name__ == "__main__":
    sys.exit(main())
