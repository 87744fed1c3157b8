"""The files for containers say what they should, and agree with the scripts that they call."""

import os
import pathlib
import stat
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCKER = ROOT / "tools/docker"


class Containers(unittest.TestCase):
    def test_compose_waits_for_a_healthy_server(self):
        compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
        server, copy = compose["services"]["postgres"], compose["services"]["copy"]
        self.assertEqual(server["image"], "postgres:17")
        self.assertIn("pg_isready", server["healthcheck"]["test"][1])
        self.assertEqual(copy["depends_on"]["postgres"]["condition"], "service_healthy")
        self.assertEqual(copy["command"][0], "copy")
        self.assertNotIn("PASSWORD", " ".join(copy["command"]))
        context = (DOCKER / copy["build"]["context"]).resolve()
        self.assertEqual(context, ROOT)
        self.assertTrue((context / copy["build"]["dockerfile"]).is_file())

    def test_the_job_runs_once_as_nobody_special(self):
        job = yaml.safe_load((DOCKER / "job.yaml").read_text())
        self.assertEqual((job["apiVersion"], job["kind"]), ("batch/v1", "Job"))
        pod = job["spec"]["template"]["spec"]
        self.assertEqual(job["spec"]["backoffLimit"], 0)
        self.assertEqual(pod["restartPolicy"], "Never")
        self.assertTrue(pod["securityContext"]["runAsNonRoot"])
        (container,) = pod["containers"]
        self.assertEqual(container["args"][0], "copy")
        self.assertEqual([m["name"] for m in container["volumeMounts"]],
                         [v["name"] for v in pod["volumes"]])
        (password,) = container["env"]
        self.assertIn("secretKeyRef", password["valueFrom"])

    def test_the_image_is_built_by_our_own_script(self):
        text = (DOCKER / "Dockerfile").read_text()
        self.assertIn("/src/tools/package /package", text)
        self.assertTrue(os.stat(ROOT / "tools/package").st_mode & stat.S_IXUSR)
        self.assertIn("USER lite2pg", text)


if __name__ == "__main__":
    unittest.main()
