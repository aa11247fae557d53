# Is everything in $want also in the input? "…" stands for any value that is there; of a list, the first elements are compared.
def matches($want):
  if $want == "…" then . != null and . != ""
  elif ($want | type) == "object" then
    type == "object" and (. as $got | all($want | keys[]; . as $key | $got[$key] | matches($want[$key])))
  elif ($want | type) == "array" then
    type == "array" and (. as $got | all(range($want | length); . as $i | $got[$i] | matches($want[$i])))
  else . == $want
  end;
