# What must hold for one trace as Jaeger's API gives it. Input: {"data": [{spans, processes}]}; $trace and $parent: what the caller sent in
# `traceparent`. Output: one line for each thing that does not hold; none if all is well.
def kind: first(.tags[] | select(.key == "span.kind") | .value) // "";
# Links to other traces are FOLLOWS_FROM; the parent is the CHILD_OF within the trace.
def parents: [.references[] | select(.refType == "CHILD_OF" and .traceID == $trace) | .spanID];

.data[0] as $whole
| [$whole.spans[] | . + {service: $whole.processes[.processID].serviceName}] as $spans
| ($spans | map(.spanID)) as $ids
| ($spans | map(select(any(parents[]; . as $id | $ids | index($id)) | not))) as $roots
| ($spans | map(select(.service == "case-command"))) as $command
| ($command | map(select(kind == "server"))) as $transport
| ($command | map(select(.operationName == "command.transition_case"))) as $service
| ($command | map(select(.operationName | startswith("store.")))) as $store
| def child_of($above): parents as $mine | any($above[].spanID; . as $id | $mine | index($id));
  [
    (if ($roots | length) == 1 then empty else "\($roots | length) roots: \($roots | map(.operationName))" end),
    (if ($roots | all(parents == [$parent])) then empty else "the root's parent is not the caller's span" end),
    ($spans[] | select((parents | length) != 1) | "\(.service) \(.operationName) has \(parents | length) parents"),
    (if ($transport | map(.operationName)) == ["casetracker.v1.CaseCommandService/TransitionCase"] then empty
     else "transport spans of case-command: \($transport | map(.operationName))" end),
    (if ($service | length) == 1 and ($service[0] | child_of($transport)) then empty else "no service span below the transport span" end),
    (if any($store[]; child_of($service)) then empty else "no store span below the service span" end),
    ("case-query", "case-audit" | . as $name | $spans | map(select(.service == $name))
     | if any(child_of($service)) then empty else "no span of \($name) below the service span" end)
  ][]
