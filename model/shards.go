package model

import (
	"fmt"
	"regexp"
	"strconv"
)

// shardName is how the files of a checkpoint are called of which each says how many there are.
var shardName = regexp.MustCompile(`^(.*)-(\d{1,6})-of-(\d{1,6})\.safetensors$`)

// checkShards reports the first file that is missing among shards which say how many they are.
func checkShards(names []string) error {
	present := map[string]bool{}
	for _, name := range names {
		present[name] = true
	}
	checked := map[string]bool{}
	for _, name := range names {
		m := shardName.FindStringSubmatch(name)
		if m == nil || checked[m[1]+"/"+m[3]] {
			continue
		}
		checked[m[1]+"/"+m[3]] = true
		total, _ := strconv.Atoi(m[3]) // digits, and few
		for i := 1; i <= total; i++ {
			if want := fmt.Sprintf("%s-%0*d-of-%s%s", m[1], len(m[2]), i, m[3], Extension); !present[want] {
				return fmt.Errorf("shard %q is missing: %q says that there are %d", want, name, total)
			}
		}
	}
	return nil
}
