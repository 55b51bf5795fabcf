package ingest

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Container is whose output a log file holds, as far as the places tell that
// kubelets and container engines put it at.
type Container struct {
	Namespace string // of Kubernetes
	Pod       string
	UID       string // of the pod
	Name      string // of the container, as its pod or its engine calls it
	ID        string // of the engine
	Image     string // only where the engine says so
	Hostname  string // the container's own; only where the engine says so
}

// Host is what stands for a host name: what a program in the container takes
// for its host. For a pod that is the pod.
func (c Container) Host() string {
	switch {
	case c.Pod != "":
		return c.Pod
	case c.Hostname != "":
		return c.Hostname
	case c.Name != "":
		return c.Name
	case len(c.ID) > 12:
		return c.ID[:12] // what engines call it by default
	}
	return c.ID
}

// Service is what the program is called, whichever copy of it this is: the
// container's name, which is that of its role in a pod.
func (c Container) Service() string { return c.Name }

// ContainerOf tells whose output the file at path is. It follows links, and asks
// the engine's own file beside the log where there is one:
//
//	/var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log
//	/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log
//	/var/lib/docker/containers/ID/ID-json.log
//
// Rotated siblings are the same container's. It reports false for other paths.
//
// https://kubernetes.io/docs/concepts/cluster-administration/logging/ and
// https://docs.docker.com/engine/logging/drivers/json-file/
func ContainerOf(path string) (c Container, ok bool) {
	const maxLinks = 4 // containers -> pods -> docker's, and one for a moved folder
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	for range maxLinks {
		one, found := containerAt(path)
		if found {
			c.fill(one)
			ok = true
		}
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return c, ok
}

// fill takes over what c does not know. Names of Kubernetes come first, since
// its links lead to the engine's file.
func (c *Container) fill(from Container) {
	for _, f := range [...][2]*string{
		{&c.Namespace, &from.Namespace}, {&c.Pod, &from.Pod}, {&c.UID, &from.UID}, {&c.Name, &from.Name}, {&c.ID, &from.ID}, {&c.Image, &from.Image},
		{&c.Hostname, &from.Hostname},
	} {
		if *f[0] == "" {
			*f[0] = *f[1]
		}
	}
}

// containerAt reads one path, without following it.
func containerAt(path string) (Container, bool) {
	dir, file := filepath.Split(filepath.Clean(path))
	dir = filepath.Clean(dir)
	above, parent := filepath.Split(dir)
	above = filepath.Clean(above)
	switch {
	case filepath.Base(filepath.Dir(above)) == "pods":
		return ofPodFolder(filepath.Base(above), parent)
	case parent == "containers" && strings.Contains(file, ".log"):
		return ofLink(file)
	case filepath.Base(above) == "containers" && isContainerID(parent):
		return ofDocker(dir, parent), true
	}
	return Container{}, false
}

// ofPodFolder reads NAMESPACE_POD_UID. None of the three has an underscore in it.
func ofPodFolder(pod, container string) (Container, bool) {
	f := strings.Split(pod, "_")
	if len(f) != 3 || f[0] == "" || f[1] == "" || container == "" {
		return Container{}, false
	}
	return Container{Namespace: f[0], Pod: f[1], UID: f[2], Name: container}, true
}

// ofLink reads POD_NAMESPACE_CONTAINER-ID.log.
func ofLink(file string) (Container, bool) {
	name, _, _ := strings.Cut(file, ".log") // pods' names have dots, but none has .log and a _ behind it
	f := strings.SplitN(name, "_", 3)
	if len(f) != 3 || f[0] == "" || f[1] == "" {
		return Container{}, false
	}
	i := strings.LastIndexByte(f[2], '-')
	if i < 1 || !isContainerID(f[2][i+1:]) {
		return Container{}, false
	}
	return Container{Pod: f[0], Namespace: f[1], Name: f[2][:i], ID: f[2][i+1:]}, true
}

func isContainerID(s string) bool {
	if len(s) < 12 || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// maxEngineFile bounds what is read of an engine's file.
const maxEngineFile = 4 << 20

// ofDocker asks Docker's config.v2.json. Where that cannot be read (its folder
// is root's) the id has to do.
func ofDocker(dir, id string) Container {
	c := Container{ID: id}
	f, err := os.Open(filepath.Join(dir, "config.v2.json"))
	if err != nil {
		return c
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return c
	}
	var about struct {
		Name   string
		Config struct {
			Hostname, Image string
			Labels          map[string]string
		}
	}
	err = json.NewDecoder(io.LimitReader(f, maxEngineFile)).Decode(&about)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, fs.ErrClosed) {
		return c
	}
	// A member of another type than it should have leaves the others as they are.
	labels := about.Config.Labels
	c.Name = strings.TrimPrefix(about.Name, "/")
	c.Hostname, c.Image = about.Config.Hostname, about.Config.Image
	c.Namespace, c.Pod, c.UID = labels["io.kubernetes.pod.namespace"], labels["io.kubernetes.pod.name"], labels["io.kubernetes.pod.uid"]
	for _, key := range [...]string{"io.kubernetes.container.name", "com.docker.compose.service", "com.docker.swarm.service.name"} {
		if labels[key] != "" {
			c.Name = labels[key]
			break
		}
	}
	return c
}
