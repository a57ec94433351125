package gen

import (
	"strings"
	"testing"
)

func TestPackageName(t *testing.T) {
	tests := []struct {
		dir, want, wantErr string
	}{
		{dir: "out/tinyllama", want: "tinyllama"},
		{dir: "out/Tiny-Llama_v1.1/", want: "tinyllamav11"},
		{dir: "/a/b/My Model", want: "mymodel"},
		{dir: "out/7b", wantErr: "starts with a digit"},
		{dir: "out/func", wantErr: "Go keyword"},
		{dir: "out/main", wantErr: "cannot be imported"},
		{dir: "out/---", wantErr: "nothing is left"},
		{dir: "out/modèle", wantErr: "letters a to z"},
		{dir: "out/a+b", wantErr: "letters a to z"},
		{dir: "/", wantErr: "letters a to z"},
	}
	for _, tt := range tests {
		t.Run(tt.dir, func(t *testing.T) {
			got, err := PackageName(tt.dir)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("PackageName(%q) = %q, %v; want error with %q", tt.dir, got, err, tt.wantErr)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Fatalf("PackageName(%q) = %q, %v; want %q", tt.dir, got, err, tt.want)
			}
		})
	}
}
