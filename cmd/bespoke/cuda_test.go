//go:build cuda

package main

import (
	"os"
	"testing"

	"github.com/seed54244801/bespoke/internal/cuda/driver"
	"github.com/seed54244801/bespoke/internal/cuda/standin"
)

// TestScriptCUDA runs scripts with a stand-in for a GPU, which reports to the file report.
func TestScriptCUDA(t *testing.T) {
	library, err := standin.Library()
	if err != nil {
		t.Fatal(err)
	}
	for _, kernels := range []string{"anybook", "rans"} {
		image := standin.Image{}
		for name, text := range map[string]*string{kernels + ".ptx": &image.Code, kernels + ".cu": &image.Source} {
			data, err := os.ReadFile("../../runtime/internal/cuda/" + name)
			if err != nil {
				t.Fatal(err)
			}
			*text = string(data)
		}
		standin.Provide(t, image)
	}
	runScripts(t, "testdata/script-cuda", map[string]string{
		"BESPOKE_DECODER":  "",
		driver.LibraryEnv:  library,
		"BESPOKE_STANDIN":  standin.Words("device=80:256", "report=$WORK/report"),
		"STANDIN_BARE":     standin.Words("report=$WORK/report"),
		"STANDIN_NO_INIT":  standin.Words("init=100"),
		"STANDIN_ABORT":    standin.Words("abort=1"),
		"STANDIN_LITTLE":   standin.Words("device=80:256", "fail=cuMemAlloc:1+:2", "report=$WORK/report"),
		"STANDIN_FAULT":    standin.Words("device=80:256", "fault=2:719"),
		"STANDIN_PAIR":     standin.Words("device=80:256", "device=80:256", "report=$WORK/report"),
		"STANDIN_TWO_GPUS": standin.Words("device=80:256", "device=35:64"),
	})
}
