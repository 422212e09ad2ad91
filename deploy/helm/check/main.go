// Command check reads the manifests of the rendered chart on its standard input. It decodes each strictly into the
// type of its kind, so that an unknown or misspelled field is an error, and checks what a schema cannot: that
// selectors find pods, that every container is probed, limited and confined, and that no secret is contained. With the
// argument "encrypted", it also checks that nothing is asked in clear text.
//
// It is a module of its own: Parley needs nothing of Kubernetes.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

func main() {
	content, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = check(content, slices.Contains(os.Args[1:], "encrypted"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// chart is what was found of the manifests.
type chart struct {
	pods      map[string]map[string]string // labels of the pods by workload
	selectors map[string]map[string]string // by the resource that has them
	scaled    map[string]string            // workload by autoscaler
	encrypted bool
	errs      []error
}

func check(content []byte, encrypted bool) error {
	c := &chart{pods: map[string]map[string]string{}, selectors: map[string]map[string]string{}, scaled: map[string]string{}, encrypted: encrypted}
	count := 0
	for _, text := range bytes.Split(content, []byte("\n---")) {
		var kind meta.TypeMeta
		if err := yaml.Unmarshal(text, &kind); err != nil {
			return err
		}
		if kind.Kind == "" {
			continue
		}
		count++
		if err := c.add(kind, text); err != nil {
			c.errs = append(c.errs, fmt.Errorf("%s: %w", kind.Kind, err))
		}
	}
	for name, selector := range c.selectors {
		found := false
		for _, of := range c.pods {
			found = found || len(selector) > 0 && labels.SelectorFromSet(selector).Matches(labels.Set(of))
		}
		if !found {
			c.errs = append(c.errs, fmt.Errorf("%s selects no pod: %v", name, selector))
		}
	}
	for name, workload := range c.scaled {
		if c.pods[workload] == nil {
			c.errs = append(c.errs, fmt.Errorf("%s scales %s, which does not exist", name, workload))
		}
	}
	if count == 0 {
		c.errs = append(c.errs, errors.New("there are no manifests"))
	}
	fmt.Printf("helm: %d manifests, %d workloads, %d selectors checked\n", count, len(c.pods), len(c.selectors))
	return errors.Join(c.errs...)
}

// add decodes a manifest; a kind that the chart should not have is an error.
func (c *chart) add(kind meta.TypeMeta, text []byte) error {
	switch kind.APIVersion + " " + kind.Kind {
	case "apps/v1 Deployment":
		var d apps.Deployment
		err := yaml.UnmarshalStrict(text, &d)
		c.workload("Deployment/"+d.Name, d.Spec.Selector, d.Spec.Template)
		return err
	case "apps/v1 StatefulSet":
		var s apps.StatefulSet
		err := yaml.UnmarshalStrict(text, &s)
		c.workload("StatefulSet/"+s.Name, s.Spec.Selector, s.Spec.Template)
		return err
	case "v1 Service":
		var s core.Service
		err := yaml.UnmarshalStrict(text, &s)
		c.selectors["Service/"+s.Name] = s.Spec.Selector
		return err
	case "policy/v1 PodDisruptionBudget":
		var b policy.PodDisruptionBudget
		err := yaml.UnmarshalStrict(text, &b)
		c.selectors["PodDisruptionBudget/"+b.Name] = b.Spec.Selector.MatchLabels
		return err
	case "autoscaling/v2 HorizontalPodAutoscaler":
		var h autoscaling.HorizontalPodAutoscaler
		err := yaml.UnmarshalStrict(text, &h)
		c.scaled["HorizontalPodAutoscaler/"+h.Name] = h.Spec.ScaleTargetRef.Kind + "/" + h.Spec.ScaleTargetRef.Name
		if len(h.Spec.Metrics) == 0 {
			err = errors.Join(err, fmt.Errorf("%s has no metric", h.Name))
		}
		return err
	case "networking.k8s.io/v1 NetworkPolicy":
		var n networking.NetworkPolicy
		err := yaml.UnmarshalStrict(text, &n)
		if len(n.Spec.PolicyTypes) != 2 {
			err = errors.Join(err, fmt.Errorf("%s does not limit both directions", n.Name))
		}
		return err
	case "networking.k8s.io/v1 Ingress":
		return yaml.UnmarshalStrict(text, new(networking.Ingress))
	case "v1 ServiceAccount":
		return yaml.UnmarshalStrict(text, new(core.ServiceAccount))
	default:
		return fmt.Errorf("%s is not a kind that this chart has", kind.APIVersion)
	}
}

func (c *chart) workload(name string, selector *meta.LabelSelector, template core.PodTemplateSpec) {
	c.pods[name] = template.Labels
	if selector == nil || len(selector.MatchLabels) == 0 || !labels.SelectorFromSet(selector.MatchLabels).Matches(labels.Set(template.Labels)) {
		c.errs = append(c.errs, fmt.Errorf("%s does not select its own pods", name))
	}
	volumes := map[string]bool{}
	for _, v := range template.Spec.Volumes {
		volumes[v.Name] = true
	}
	for _, container := range template.Spec.Containers {
		s := container.SecurityContext
		switch {
		case container.ReadinessProbe == nil || container.LivenessProbe == nil || container.StartupProbe == nil:
			c.errs = append(c.errs, fmt.Errorf("%s: a probe is missing", name))
		case container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero():
			c.errs = append(c.errs, fmt.Errorf("%s: the memory limit or the CPU request is missing", name))
		case s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation:
			c.errs = append(c.errs, fmt.Errorf("%s: the container is not confined", name))
		case template.Spec.SecurityContext == nil || template.Spec.SecurityContext.RunAsNonRoot == nil || !*template.Spec.SecurityContext.RunAsNonRoot:
			c.errs = append(c.errs, fmt.Errorf("%s: the container may run as root", name))
		}
		if c.encrypted {
			c.clear(name, container)
		}
		for _, m := range container.VolumeMounts {
			if !volumes[m.Name] && m.Name != "data" { // data is of a claim template
				c.errs = append(c.errs, fmt.Errorf("%s: volume %s is mounted and not defined", name, m.Name))
			}
		}
	}
}

// clear reports what a container asks or answers in clear text.
func (c *chart) clear(name string, container core.Container) {
	for _, probe := range []*core.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
		switch {
		case probe == nil:
		case probe.HTTPGet != nil && probe.HTTPGet.Scheme != core.URISchemeHTTPS:
			c.errs = append(c.errs, fmt.Errorf("%s: %s is probed in clear text", name, probe.HTTPGet.Path))
		case probe.Exec != nil && !slices.Contains(probe.Exec.Command, "--tls-cert=/run/parley/tls/tls.crt"):
			c.errs = append(c.errs, fmt.Errorf("%s: %v does not check the certificate", name, probe.Exec.Command))
		}
	}
	certificate := slices.Contains(container.Args, "--tls-cert=/run/parley/tls/tls.crt")
	for _, variable := range container.Env {
		certificate = certificate || variable.Name == "PARLEY_TLS_CERT"
		if strings.HasPrefix(variable.Value, "nats://") || strings.HasPrefix(variable.Value, "http://") {
			c.errs = append(c.errs, fmt.Errorf("%s: %s is %s", name, variable.Name, variable.Value))
		}
	}
	if !certificate {
		c.errs = append(c.errs, fmt.Errorf("%s has no certificate", name))
	}
}
